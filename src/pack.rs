//! The build script. A visitor of the page fetches the core's tables with it; deflate, which a server or a page has for that, looks back no further than 32 kB and
//! leaves a sixth of what could be saved. For WebAssembly they are packed with xz, which the core can undo anyway. Elsewhere they stay as they are.

use lzma_rust2::{XzOptions, XzWriter};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

/// Worth packing: more than ten thousand bytes. Below `src`.
const TABLES: &[&str] = &["licence/catalogue.txt", "licence/prints.txt", "rule/known/dangerous.txt", "rule/known/expected.txt", "rule/known/operators.txt"];

/// Of a table of rows whose last column says why they are there, which no code reads: its rows without it.
fn without_why(table: &str) -> String {
    table.lines().map(|row| row.rsplit_once('\t').map_or(row, |(row, _)| row).to_owned() + "\n").collect()
}

/// How many bytes the table has, in four bytes, lowest first; then the table as an xz stream.
fn pack(table: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut options = XzOptions::with_preset(9);
    // Text: what comes next depends on the letters before it and not on where it stands.
    (options.lzma_options.lc, options.lzma_options.lp, options.lzma_options.pb) = (4, 0, 0);
    let mut writer = XzWriter::new(u32::try_from(table.len())?.to_le_bytes().to_vec(), options)?;
    writer.write_all(table)?;
    Ok(writer.finish()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/pack.rs");
    if env::var("CARGO_CFG_TARGET_ARCH")? != "wasm32" {
        return Ok(());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for name in TABLES {
        let from = Path::new("src").join(name);
        println!("cargo::rerun-if-changed={}", from.display());
        let to = out.join(name);
        fs::create_dir_all(to.parent().ok_or("a table lies in a folder")?)?;
        let table = fs::read_to_string(from)?;
        let table = if *name == "rule/known/dangerous.txt" { without_why(&table) } else { table };
        fs::write(to, pack(table.as_bytes())?)?;
    }
    Ok(())
}
