//! Objects of other runtimes: Java's serialization (Weka, DL4J, H2O), Torch7's (Lua), and the layer lists of small engines.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Moment};
use crate::scan::Scan;
use std::collections::HashSet;

/// A stream of Java objects (Java Object Serialization Specification, chapter 6).
pub const JAVA: Format = Format { id: "java", name: "Java objects", extensions: &["model", "ser", "bin"], refines: &[], probe: probe_java, read: read_java };

/// Torch7's binary and text (`torch7/File.lua`).
pub const TORCH7: Format =
    Format { id: "torch7", name: "Torch7", extensions: &["t7", "net", "dat"], refines: &["text"], probe: probe_torch7, read: read_torch7 };

/// ncnn's list of layers (`src/net.cpp`).
pub const NCNN: Format = Format { id: "ncnn", name: "ncnn layers", extensions: &["param"], refines: &["text"], probe: probe_ncnn, read: read_ncnn };

/// Bytes that are swept; names of classes stand in front of the numbers.
const SWEPT: u64 = 64 << 20;

/// Bytes read at once.
const WINDOW: usize = 256 * 1024;

/// Different classes that are stated.
const CLASSES: usize = 10_000;

fn probe_java(view: View<'_>) -> Match {
    if view.has(0, b"\xac\xed\x00\x05") { Match::Sure } else { Match::No }
}

/// Class descriptions and proxies are looked for wherever they stand: what a class writes of its own can only be skipped by
/// somebody who has the class.
fn read_java(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    sweep(
        view,
        300,
        |bytes, at, scan| {
            let [0x72 | 0x7d, rest @ ..] = bytes else {
                return;
            };
            // A proxy lists its interfaces, a class its name.
            let (name_at, rest) = match (bytes.first(), rest) {
                (Some(0x7d), [0, 0, 0, 1..=8, tail @ ..]) => (5, tail),
                (Some(0x72), _) => (1, rest),
                _ => return,
            };
            let [high, low, tail @ ..] = rest else { return };
            let n = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(name) = tail.get(..n).filter(|_| (2..256).contains(&n)).and_then(|b| std::str::from_utf8(b).ok()) else {
                return;
            };
            let plain = name.trim_start_matches('[');
            if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '[' | ';' | '-')) || plain.is_empty() {
                return;
            }
            if seen.len() < CLASSES && seen.insert(name.to_string()) {
                scan.state(view, at + name_at, n as u64 + 2, Fact::ForeignClass { runtime: "java", name: name.to_string() });
            }
        },
        scan,
    )?;
    scan.gap("objects-not-followed");
    if seen.is_empty() {
        return Err(Error::malformed(4, "java-no-class"));
    }
    let mut names: Vec<_> = seen.into_iter().collect();
    crate::order::sort_by(&mut names, Ord::cmp);
    for name in names {
        scan.leaf(&name, "class", None, None);
    }
    Ok(())
}

/// Calls `at` for every offset with the bytes from there on, at least `reach` of them until the end comes close.
fn sweep(view: View<'_>, reach: usize, mut look: impl FnMut(&[u8], u64, &mut Scan<'_>), scan: &mut Scan<'_>) -> Result<()> {
    let mut chunk = vec![0; WINDOW + reach];
    let mut at = 0;
    while at < view.len().min(SWEPT) {
        let n = view.read(at, &mut chunk)?;
        if n == 0 {
            break;
        }
        let stop = if at + n as u64 >= view.len() { n } else { n.min(WINDOW) };
        for i in 0..stop {
            if let Some(bytes) = chunk.get(i..n) {
                look(bytes, at + i as u64, scan);
            }
        }
        at += stop as u64;
    }
    Ok(())
}

/// A Torch7 object of class `V 1`: type 4, an index, the length of the version, in numbers of 4 bytes or in lines.
fn probe_torch7(view: View<'_>) -> Match {
    let Ok(head) = view.head(64) else {
        return Match::No;
    };
    let binary = matches!(head.as_slice(), [4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, b'V', b' ', b'1', ..]);
    // A table: an index, a count, and a first key that is a text or the number 1.
    let table = match head.as_slice() {
        [3, 0, 0, 0, 1, 0, 0, 0, _, _, _, 0, 2, 0, 0, 0, n @ 1..=64, 0, 0, 0, key @ ..] => {
            key.get(..usize::from(*n).min(key.len())).is_some_and(|k| !k.is_empty() && k.iter().all(u8::is_ascii_graphic))
        }
        [3, 0, 0, 0, 1, 0, 0, 0, _, _, _, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, ..] => true,
        _ => false,
    };
    // A table in lines is a text of numbers, unless there is bytecode in it.
    let lines = head.starts_with(b"3\n1\n") && view.head(64 * 1024).is_ok_and(|h| h.windows(3).any(|w| w == b"\x1bLJ" || w == b"\x1bLu"));
    if binary || head.starts_with(b"4\n1\n3\nV 1\n") || table || lines { Match::Sure } else { Match::No }
}

/// Functions are bytecode (types 6 to 8); names of classes tell what the object is made of.
fn read_torch7(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut classes = HashSet::new();
    let mut programs = 0u32;
    sweep(
        view,
        64,
        |bytes, at, scan| {
            if bytes.starts_with(b"\x1bLua") || bytes.starts_with(b"\x1bLJ") {
                programs += 1;
                if programs <= 16 {
                    scan.state(view, at, 4, Fact::OwnCode { kind: "layer", name: "a Lua function as bytecode".into() });
                }
                return;
            }
            for call in ["package.loadlib", "os.execute", "io.popen", "loadstring", "dofile", "ffi.load"] {
                if bytes.starts_with(call.as_bytes()) {
                    scan.state(
                        view,
                        at,
                        call.len() as u64,
                        Fact::StoredCall { language: "lua", name: call.to_string(), text: format!("{call}(…)"), moment: Moment::Called },
                    );
                }
            }
            // `V 1`, then the length and the name of the class.
            if let [b'V', b' ', b'1', n, 0, 0, 0, tail @ ..] = bytes
                && let Some(name) =
                    tail.get(..usize::from(*n)).and_then(|b| std::str::from_utf8(b).ok()).filter(|s| s.chars().all(|c| c.is_ascii_graphic() || c == ' '))
                && classes.len() < CLASSES
            {
                classes.insert(name.to_string());
            }
        },
        scan,
    )?;
    scan.gap("objects-not-followed");
    let mut names: Vec<_> = classes.into_iter().collect();
    crate::order::sort_by(&mut names, Ord::cmp);
    for name in names {
        scan.leaf(&name, "class", None, None);
    }
    Ok(())
}

/// The number 7767517, and the counts of layers and blobs.
fn probe_ncnn(view: View<'_>) -> Match {
    if view.has(0, b"7767517") && view.array::<1>(7).is_ok_and(|[b]| b.is_ascii_whitespace()) { Match::Sure } else { Match::No }
}

/// Layers that ncnn has (`src/layer`).
const LAYERS: &[&str] = &[
    "AbsVal", "ArgMax", "BNLL", "BatchNorm", "Bias", "BinaryOp", "CELU", "CTCGreedyDecoder", "Cast", "Clip", "Concat", "Convolution", "Convolution1D",
    "Convolution3D", "ConvolutionDepthWise", "ConvolutionDepthWise1D", "ConvolutionDepthWise3D", "CopyTo", "Crop", "CumulativeSum", "Deconvolution",
    "Deconvolution1D", "Deconvolution3D", "DeconvolutionDepthWise", "DeconvolutionDepthWise1D", "DeconvolutionDepthWise3D", "DeepCopy", "DeformableConv2D",
    "Dequantize", "DetectionOutput", "Diag", "Dropout", "ELU", "Einsum", "Eltwise", "Embed", "Erf", "Exp", "ExpandDims", "Flatten", "Fold", "GELU", "GLU",
    "GRU", "Gemm", "GridSample", "GroupNorm", "HardSigmoid", "HardSwish", "InnerProduct", "Input", "InstanceNorm", "Interp", "InverseSpectrogram", "LRN",
    "LSTM", "LayerNorm", "Log", "MVN", "MatMul", "MemoryData", "Mish", "MultiHeadAttention", "Noop", "Normalize", "PReLU", "PSROIPooling", "Packing",
    "Padding", "Permute", "PixelShuffle", "Pooling", "Pooling1D", "Pooling3D", "Power", "PriorBox", "Proposal", "Quantize", "RMSNorm", "RNN", "ROIAlign",
    "ROIPooling", "ReLU", "Reduction", "Reorg", "Requantize", "Reshape", "RotaryEmbed", "SDPA", "SELU", "SPP", "Scale", "Shrink", "ShuffleChannel", "Sigmoid",
    "Silence", "Slice", "Softmax", "Softplus", "Spectrogram", "Split", "Squeeze", "StatisticsPooling", "Swish", "TanH", "Threshold", "Tile", "UnaryOp",
    "Unfold", "YoloDetectionOutput", "Yolov3DetectionOutput", "Flip", "Unpooling",
];

fn read_ncnn(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    super::plain::read_text(view, scan)?;
    if view.len() > 64 << 20 {
        scan.gap("limit-settings");
        return Ok(());
    }
    let bytes = view.take(0, view.len(), 64 << 20)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut at = 0u64;
    let mut layers = 0u64;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let mut words = line.split_whitespace();
        if n >= 2
            && let Some(kind) = words.next()
        {
            layers += 1;
            if !LAYERS.contains(&kind) {
                scan.state(view, at, line.trim_end().len() as u64, Fact::OwnCode { kind: "layer", name: kind.to_string() });
            }
        }
        at += line.len() as u64;
    }
    scan.leaf("layers", "layers", None, Some(layers.to_string()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(bytes: &[u8]) -> Verdict {
        crate::scan(&bytes.to_vec(), "m.model", Lang::En).verdict
    }

    fn java(class: &str) -> Vec<u8> {
        let mut out = b"\xac\xed\x00\x05sr".to_vec();
        out.extend_from_slice(&(class.len() as u16).to_be_bytes());
        out.extend_from_slice(class.as_bytes());
        out.extend_from_slice(&[0; 12]);
        out
    }

    #[test]
    fn java_classes() {
        // What the objects hold is not followed.
        assert_eq!(verdict(&java("weka.classifiers.trees.J48")), Verdict::Incomplete);
        assert_eq!(verdict(&java("org.apache.commons.collections.functors.InvokerTransformer")), Verdict::Dangerous);
        assert_eq!(verdict(&java("com.example.Thing")), Verdict::Suspicious);
    }

    #[test]
    fn layers_of_ncnn() {
        assert_eq!(verdict(b"7767517\n2 2\nInput data 0 1 data\nReLU r 1 1 data out\n"), Verdict::Clear);
        assert_eq!(verdict(b"7767517\n2 2\nInput data 0 1 data\nMyLayer r 1 1 data out\n"), Verdict::Suspicious);
    }
}
