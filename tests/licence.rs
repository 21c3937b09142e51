//! The licence command as scripts hold on to it, and texts of licences as they lie around.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use weighstation::licence::find::{How, find};
use weighstation::{Lang, conclude, scan};

const MIT: &str = include_str!("corpus/licences/mit.txt");
const APACHE: &str = include_str!("../LICENSE");

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("licence").join(name);
    let _ = std::fs::remove_dir_all(&path);
    for (file, text) in
        [("m/README.md", "---\nlicense: mit\nbase_model: meta-llama/Llama-3.1-8B\n---\n"), ("ok/README.md", "---\nlicense: mit\n---\n"), ("ok/LICENSE", MIT)]
    {
        let at = path.join(file);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
        std::fs::write(at, text).expect("a file");
    }
    path
}

fn run(at: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weighstation")).arg("licence").args(args).current_dir(at).stdin(Stdio::null()).output().expect("the command line")
}

fn code(at: &Path, args: &[&str]) -> i32 {
    run(at, args).status.code().expect("an exit status")
}

#[test]
fn the_exit_status_is_the_answer() {
    let at = folder("status");
    assert_eq!(code(&at, &["ok", "--use", "give"]), 0);
    assert_eq!(code(&at, &["m", "--use", "give", "--users", "10"]), 1);
    assert_eq!(code(&at, &["m", "--use", "give", "--fail-on", "never"]), 0);
    assert_eq!(code(&at, &["m", "--use", "inside", "--users", "10", "--fail-on", "needs-review"]), 1);
    assert_eq!(code(&at, &["gone"]), 3);
    for wrong in
        [&["ok", "--use", "play"][..], &[], &["ok", "--format", "pdf"], &["ok", "--assume", "moon=yes"], &["ok", "--nothing"], &["ok", "--users", "many"]]
    {
        assert_eq!(code(&at, wrong), 2, "{wrong:?}");
    }
}

#[test]
fn guidance_by_name_is_one_document() {
    let at = folder("name");
    let out = run(&at, &["--format", "json", "--use", "service", "--seat", "DE", "--users", "10", "--by-name", "llama4"]);
    let v: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!((v["schema"].as_str(), v["level"].as_str()), (Some("weighstation-licence/1"), Some("conflict")));
    assert_eq!(v["clashes"][0]["code"].as_str(), Some("territory"));
    assert_eq!(v["clashes"][0]["sources"][0]["clause"].as_str(), Some("Acceptable Use Policy"));
}

#[test]
fn an_inventory_is_added_to_and_compared() {
    let at = folder("inventory");
    assert_eq!(code(&at, &["ok", "--save", "all.json", "--date", "2026-11-01"]), 0);
    assert_eq!(code(&at, &["m", "--save", "all.json", "--fail-on", "never"]), 0);
    let all: Value = serde_json::from_slice(&std::fs::read(at.join("all.json")).expect("a file")).expect("JSON");
    assert_eq!(all["entries"].as_array().map(Vec::len), Some(3));
    std::fs::write(at.join("ok/README.md"), "---\nlicense: gpl-3.0\n---\n").expect("a file");
    std::fs::remove_file(at.join("ok/LICENSE")).expect("a file");
    let out = run(&at, &["ok", "--against", "all.json", "--format", "json", "--fail-on", "never"]);
    let changes: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let told: Vec<&str> = changes.as_array().expect("a list").iter().filter_map(|c| c["what"].as_str()).collect();
    assert_eq!(told, ["licence", "terms", "files", "gone", "gone"]);
    assert_eq!(code(&at, &["ok", "--against", "ok/README.md"]), 2);
}

fn one(text: &str) -> Vec<(&'static str, How)> {
    find(text).hits.iter().map(|h| (h.row.id, h.how)).collect()
}

#[test]
fn a_text_is_known_in_whatever_shape_it_comes() {
    let html = format!("<html><body><pre>{}</pre></body></html>", MIT.replace('"', "&quot;"));
    let markdown = MIT.lines().map(|l| format!("> {l}")).collect::<Vec<_>>().join("\n");
    let comment = MIT.lines().map(|l| format!("// {l}")).collect::<Vec<_>>().join("\r\n");
    let wrapped = MIT.split_whitespace().collect::<Vec<_>>().chunks(5).map(|w| w.join(" ")).collect::<Vec<_>>().join("\n");
    let signed = format!("The MIT License (MIT)\n\nCopyright (c) 2024-2026 Somebody and others. All rights reserved.\n\n{MIT}");
    let card = format!("# A model\n\nIt classifies pictures of ships.\n\n## License\n\n{MIT}\n\n## Citation\n\nPlease cite us.\n");
    for text in [MIT.to_string(), MIT.to_uppercase(), html, markdown, comment, wrapped, signed, card] {
        assert_eq!(one(&text), [("MIT", How::Text)], "{text}");
    }
}

/// Conditions as publishers of models set them beside a permissive text.
const CONDITIONS: &[&str] = &[
    "Products with more than 3 million monthly active users must show \"Foo\" prominently.",
    "The Software shall not be used for military purposes.",
    "You may not use the Software for commercial purposes.",
    "If your annual revenue is above 10 million dollars, a separate agreement is needed.",
    "The Software shall be used for Good, not Evil.",
    "For research purposes only.",
    "In addition, you must include \"Powered by Foo\" in the name of any derivative model.",
    "You may not use the outputs of the model to train or improve any other AI model.",
    "Companies need to contact us for a licence.",
    "Organizations with more than 50 employees need to purchase a licence.",
    "This license does not apply in the European Union.",
    "Die Nutzung zu kommerziellen Zwecken ist nicht gestattet.",
    "Toute utilisation commerciale est interdite.",
    "商用利用は禁止します。",
    "本模型仅供学术研究使用。",
];

#[test]
fn a_permissive_text_with_a_condition_is_not_permissive() {
    for (id, whole, middle) in [("MIT", MIT, "THE SOFTWARE IS PROVIDED"), ("Apache-2.0", APACHE, "5. Submission of Contributions.")] {
        assert!(whole.contains(middle));
        for condition in CONDITIONS {
            for text in [format!("{whole}\n\n{condition}\n"), format!("{condition}\n\n{whole}"), whole.replace(middle, &format!("{condition}\n\n{middle}"))] {
                assert!(one(&text).iter().all(|(found, how)| *found != id || *how == How::Altered), "{id}, {condition}: {:?}", one(&text));
            }
        }
    }
    for (from, to) in [("without restriction", "solely for research"), ("and/or sell", "but not sell"), (", and/or sell", "")] {
        let text = MIT.split_whitespace().collect::<Vec<_>>().join(" ").replace(from, to);
        assert!(one(&text).iter().all(|(_, how)| *how != How::Text), "{from} -> {to}: {:?}", one(&text));
    }
}

#[test]
fn a_permissive_text_with_harmless_words_is_still_it() {
    for words in ["Portions of this model were trained on a cluster of the university.", "This product bundles fonts; see NOTICE.", "https://example.org/model"]
    {
        assert_eq!(one(&format!("{words}\n\n{APACHE}")), [("Apache-2.0", How::Text)], "{words}");
        assert_eq!(one(&format!("{MIT}\n{words}\n")), [("MIT", How::Text)], "{words}");
    }
    let header = "Licensed under the Apache License, Version 2.0 (the \"License\"); you may not use this file except in compliance with the License.";
    assert!(find(&format!("{APACHE}\n{header}")).hits.iter().all(|h| h.how == How::Text));
}

#[test]
fn the_first_half_of_a_text_is_known_for_what_it_is() {
    for (id, whole) in [("MIT", MIT), ("Apache-2.0", APACHE)] {
        let words: Vec<&str> = whole.split_whitespace().collect();
        for percent in [50, 65, 80, 95] {
            let text = words[..words.len() * percent / 100].join(" ");
            assert!(one(&text).iter().any(|(found, _)| *found == id), "{id} {percent} %: {:?}", one(&text));
        }
    }
}

#[test]
fn a_licence_that_is_spoken_of_is_not_there() {
    let card = "This model is a fine-tune. The model that it is made from is under the Skywork Community License, see there.";
    assert!(find(card).hits.is_empty());
    assert_eq!(find(card).headers.first().map(|h| h.0.as_str()), Some("skywork-community"));
    assert_eq!(
        one(&format!("Skywork Community License\n\n{}", "terms and conditions of this model and its use ".repeat(30))).first().map(|h| h.0),
        Some("skywork-community")
    );
}

#[test]
fn a_text_that_is_cut_or_damaged_says_so() {
    let words: Vec<&str> = MIT.split_whitespace().collect();
    let start = words[..words.len() * 7 / 10].join(" ");
    assert!(one(&start).iter().all(|(_, how)| *how != How::Text));
    assert!(find("").hits.is_empty() && !find("").unknown);
    assert!(find("A story about ships and the sea. ".repeat(20).as_str()).hits.is_empty());
}

#[test]
fn hostile_texts_end() {
    let cases = [
        "<".repeat(300_000),
        "permission is hereby granted ".repeat(20_000),
        "\u{202e}".repeat(100_000),
        "spdx-license-identifier: MIT\n".repeat(20_000),
        "---\n".to_string() + &"a: [".repeat(50_000),
        "---\n".to_string() + &"  - ".repeat(60_000),
    ];
    for text in cases {
        for name in ["LICENSE", "README.md", "METADATA", "mergekit_config.yml", "pyproject.toml"] {
            let report = conclude(vec![scan(&text.clone().into_bytes(), name, Lang::En)], Lang::En);
            assert!(report.licence.statements.len() <= 200, "{name}");
        }
    }
}

/// A field of protobuf with a length before it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let tag = u16::from(number) << 3 | 2;
    let mut out = if tag < 128 { vec![tag as u8] } else { vec![(tag & 127) as u8 | 128, (tag >> 7) as u8] };
    out.push(u8::try_from(bytes.len()).expect("a short field"));
    out.extend(bytes);
    out
}

fn gguf(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend((pairs.len() as u64).to_le_bytes());
    for (key, value) in pairs {
        out.extend((key.len() as u64).to_le_bytes());
        out.extend(key.as_bytes());
        out.extend(8u32.to_le_bytes());
        out.extend((value.len() as u64).to_le_bytes());
        out.extend(value.as_bytes());
    }
    out
}

fn safetensors(metadata: &str) -> Vec<u8> {
    let header = format!("{{\"__metadata__\":{metadata}}}");
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

#[test]
fn every_format_says_its_licence_with_its_bytes() {
    let onnx = [&b"\x08\x08"[..], &field(2, b"weigh"), &field(7, &field(2, b"g")), &field(14, &[field(1, b"model_license"), field(2, b"apache-2.0")].concat())]
        .concat();
    let coreml = [&b"\x08\x05"[..], &field(2, &field(100, &[field(3, b"Somebody"), field(4, b"apache-2.0")].concat()))].concat();
    let openvino =
        b"<?xml version=\"1.0\"?><net name=\"m\" version=\"11\"><layers></layers><edges></edges><rt_info><license value=\"apache-2.0\"/></rt_info></net>"
            .to_vec();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("m.gguf", gguf(&[("general.architecture", "llama"), ("general.license", "apache-2.0")]), "Apache-2.0"),
        ("m.gguf", gguf(&[("general.architecture", "llama"), ("general.license", APACHE)]), "Apache-2.0"),
        ("m.safetensors", safetensors("{\"modelspec.license\":\"apache-2.0\"}"), "Apache-2.0"),
        ("m.safetensors", safetensors(&format!("{{\"modelspec.license\":{}}}", serde_json::to_string(APACHE).expect("a string"))), "Apache-2.0"),
        ("m.onnx", onnx, "Apache-2.0"),
        ("m.mlmodel", coreml, "Apache-2.0"),
        ("m.xml", openvino, "Apache-2.0"),
        ("config.json", b"{\"model_type\":\"llama\",\"license\":\"apache-2.0\"}".to_vec(), "Apache-2.0"),
        ("m.civitai.info", b"{\"id\":1,\"model\":{\"name\":\"m\",\"allowNoCredit\":false,\"allowCommercialUse\":\"None\",\"allowDerivatives\":true},\"baseModel\":\"SDXL 1.0\"}".to_vec(), "civitai-permissions"),
        ("adapter_config.json", b"{\"peft_type\":\"LORA\",\"base_model_name_or_path\":\"meta-llama/Llama-3.1-8B\"}".to_vec(), "llama3.1"),
        ("m.gguf", gguf(&[("general.architecture", "llama"), ("general.base_model.0.repo_url", "https://huggingface.co/meta-llama/Llama-3.1-8B")]), "llama3.1"),
    ];
    for (name, bytes, id) in cases {
        let statements = scan(&bytes, name, Lang::En).licence.statements;
        let one = statements.iter().find(|s| s.licences.iter().any(|l| l == id)).unwrap_or_else(|| panic!("{name}: {statements:?}"));
        assert!(one.place.length > 0 && one.place.offset + one.place.length <= bytes.len() as u64, "{name}: {:?}", one.place);
        assert_eq!(one.file, name);
    }
}

#[test]
fn cards_that_say_odd_things_get_a_clear_statement() {
    let told = |card: &str| {
        let report = conclude(vec![scan(&card.as_bytes().to_vec(), "m/README.md", Lang::En)], Lang::En);
        let g = weighstation::licence::guide::guide(&report.licence.parts, &Default::default(), Lang::En);
        (report.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>(), format!("{:?}", g.level))
    };
    for (card, rule) in [
        ("license: apache-2.0\nlicense_name: jamba-open-model-license", "WS701"),
        ("license: mit\nbase_model: meta-llama/Llama-3.1-8B\nbase_model_relation: quantized", "WS702"),
        ("license: mit\nbase_model: meta-llama/Llama-3.1-8B\nbase_model_relation: adapter", "WS702"),
        ("license: mit\nbase_model:\n- Qwen/Qwen2.5-7B\n- meta-llama/Llama-3.1-8B\nbase_model_relation: merge", "WS702"),
        ("license: other\nlicense_name: my-own", "WS705"),
        ("license: modified-mit", "WS705"),
        ("license: my-own", "WS706"),
        ("license: MIT AND NoSuch-1.0", "WS706"),
        ("license: MIT AND (", "WS706"),
        ("license: mit\nbroken", "WS704"),
        ("language: en", "WS707"),
    ] {
        let (rules, level) = told(&format!("---\n{card}\n---\n# A model\n"));
        assert!(rules.iter().any(|r| r == rule), "{card}: {rules:?}");
        assert!(level == "NeedsReview" || level == "Conflict", "{card}: {level}");
    }
    let (rules, level) = told("---\nlicense: other\n---\n# A model\n");
    assert_eq!(level, "NeedsReview", "{rules:?}");
    assert_eq!(told("---\nlicense:\n- mit\n- apache-2.0\n---\n# A model\n").1, "Ok");
}
