//! What an operator of a graph can do: nothing but compute, act on the machine that runs it, or nobody knows.
//!
//! The names that frameworks register are data, in `known/operators.txt`, written by `operators.py` from libraries that were
//! really installed. What an operator does was read from the frameworks' documentation and kernels.
//!
//! # Why not judge by name alone
//! Every saved model has operators that read and write its own checkpoint, and tables that are filled from its assets. Those count only
//! when the graph gives them a path of its own outside of the model.

use crate::fact::OperatorText;
use crate::table::{Table, table};
use std::collections::HashSet;
use std::sync::OnceLock;

/// What running an operator does beside computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Calls Python in the process that runs the graph.
    Python,
    /// Writes, moves or removes files.
    Write,
    /// Hands out what is in any file.
    Read,
    /// Reads records or names from files: ordinary in a pipeline that feeds a model, not in a model.
    Records,
    /// Talks to another machine.
    Network,
    /// Takes memory at an address or a region that the file names.
    Memory,
    /// Runs native code that the framework does not bring.
    Native,
    /// Holds a compiled engine.
    Engine,
    /// Is handed a path outside of the model.
    Path,
}

/// The meaning of one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Part of the framework; it computes.
    Builtin,
    /// It acts.
    Acts(Effect),
    /// Part of a package that is known and must be installed beside the framework.
    Addon(&'static str),
    /// A class of the program that runs the model.
    Class,
    /// Nobody knows.
    Unknown,
}

static NAMES: Table = table!("rule/known/operators.txt");

fn names(family: &str) -> &'static HashSet<&'static str> {
    static TABLES: OnceLock<[HashSet<&'static str>; 5]> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        let mut all: [HashSet<&'static str>; 5] = Default::default();
        let mut at = 0;
        for line in NAMES.text().lines() {
            match line.strip_prefix('@') {
                Some(family) => at = index(family),
                None => all[at].extend(line.split(' ')),
            }
        }
        all
    });
    &tables[index(family)]
}

fn index(family: &str) -> usize {
    match family {
        "mxnet" => 0,
        "onnx" => 1,
        "paddle" => 2,
        "contrib" => 3,
        _ => 4,
    }
}

/// Says what an operator does, given the texts that reach it.
pub fn standing(family: &str, domain: &str, name: &str, texts: &[OperatorText]) -> Standing {
    match family {
        "onnx" => onnx(domain, name, texts),
        "tensorflow" => tensorflow(name, texts),
        "tflite" if domain == "flex" => tensorflow(name, texts),
        "tflite" => tflite(name),
        "paddle" => paddle(domain, name),
        "mxnet" => mxnet(name),
        "coreml" if domain == "custom" || domain == "mil" && name == "custom" => Standing::Class,
        "coreml" => Standing::Builtin,
        "executorch" => executorch(domain, name),
        "openvino" => openvino(domain),
        "xla" => xla(name),
        _ => Standing::Unknown,
    }
}

/// Domains that onnx and onnxruntime implement themselves: for graphs that people write, their operators are listed; a library may
/// register more of them under any domain.
const ONNX_DOMAINS: &[&str] =
    &["ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"];

/// Domains that only onnxruntime's own graph passes write.
const ONNX_INTERNAL: &[&str] = &["com.microsoft.experimental", "com.microsoft.dml"];

/// Operators of onnxruntime's builds for training (`training_op_defs.cc`), and of builds for certain devices.
const ONNX_TRAINING: &[&str] = &[
    "ATen", "AdamOptimizer", "AdamWOptimizer", "AdasumAllReduce", "BatchNormInternal", "BatchNormalizationInternal", "BroadcastGradientArgs", "ConcatTraining",
    "FakeQuant", "FlattenAndUnpad", "GRUTraining", "Group", "InPlaceAccumulator", "InPlaceAccumulatorV2", "LSTMTraining", "LambOptimizer", "MegatronF",
    "MegatronG", "MixedPrecisionScale", "NcclAllGather", "NcclAllReduce", "NcclReduceScatter", "PadAndUnflatten", "PassThrough", "ReduceAllL2", "SGDOptimizer",
    "SGDOptimizerV2", "Scale", "ScatterND", "SoftmaxCrossEntropy", "SoftmaxCrossEntropyLossInternal", "SparseSoftmaxCrossEntropy", "SplitTraining",
    "SummaryHistogram", "SummaryMerge", "SummaryScalar", "SummaryText", "TrainableDropout", "View", "YieldOp", "AllReduce", "AllGather", "AllToAll",
    "ShardedMoE", "DistributedMatMul", "MatMulFp32Q4", "MemcpyFromHost", "MemcpyToHost", "QLinearSplit", "SimplifiedLayerNormalization", "LayerNormalization",
    "GistBinarizeEncoder", "GistBinarizeDecoder", "QOrderedSkipLayerNormalization", "TorchEmbedding",
];

fn onnx(domain: &str, name: &str, texts: &[OperatorText]) -> Standing {
    // Operators of onnxruntime and its extensions that run Python, in whatever domain they are registered.
    if name.starts_with("PyCustomOp") || matches!(name, "PyOp" | "PythonOp" | "PythonOpGrad" | "TritonOp") {
        return Standing::Acts(Effect::Python);
    }
    match domain {
        "" | "ai.onnx" if names("onnx").contains(name) => Standing::Builtin,
        // Plugins that NVIDIA ships with TensorRT.
        "" | "ai.onnx" | "trt.plugins" if name.ends_with("_TRT") || domain == "trt.plugins" => Standing::Addon("TensorRT's plugins"),
        "" | "ai.onnx" if ONNX_WITHDRAWN.contains(&name) => Standing::Builtin,
        "" | "ai.onnx" => Standing::Unknown,
        // A compiled engine, in the file or beside it.
        _ if name == "EPContext" => {
            Standing::Acts(if texts.iter().any(|t| t.key == "ep_cache_context" && outside(&t.value)) { Effect::Native } else { Effect::Engine })
        }
        d if ONNX_INTERNAL.contains(&d) => Standing::Builtin,
        d if ONNX_DOMAINS.contains(&d) && contributed(name) => Standing::Builtin,
        "ai.onnx.contrib" | "com.microsoft.extensions" => Standing::Addon("onnxruntime-extensions"),
        _ => Standing::Unknown,
    }
}

/// Whether onnx's or onnxruntime's own domains have an operator, or the one that it is the gradient of.
fn contributed(name: &str) -> bool {
    let known = |n: &str| names("contrib").contains(n) || ONNX_TRAINING.contains(&n);
    let stem = name.split_once("Grad").map(|(stem, _)| ["Bias", "Invertible", "Simplified"].iter().fold(stem, |s, p| s.strip_prefix(p).unwrap_or(s)));
    known(name) || stem.is_some_and(|s| known(s) || names("onnx").contains(s))
}

/// Experimental operators of ONNX before 1.5, and those that Caffe2's exporter wrote.
const ONNX_WITHDRAWN: &[&str] = &[
    "Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh", "ConstantFill", "SpaceToDepth",
    "ThresholdedRelu", "ATen",
];

const TF_PYTHON: &[&str] = &["PyFunc", "PyFuncStateless", "EagerPyFunc"];

const TF_WRITE: &[&str] = &[
    "WriteFile", "SaveDataset", "SaveDatasetV2", "DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "CreateSummaryFileWriter", "CreateSummaryDbWriter",
    "CacheDataset", "CacheDatasetV2", "SnapshotDataset", "SnapshotDatasetV2", "DistributedSave", "CalibrationStatisticsSaver", "DumpTensor", "TPUDumpTensor",
];

const TF_RECORDS: &[&str] = &[
    "MatchingFiles", "MatchingFilesDataset", "ExperimentalMatchingFilesDataset", "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2",
    "TFRecordReader", "TFRecordReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "LMDBReader", "TextLineDataset", "TFRecordDataset",
    "TFRecordDatasetV2", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "CSVDataset", "CSVDatasetV2", "ExperimentalCSVDataset", "LMDBDataset",
    "ExperimentalLMDBDataset", "SqlDataset", "ExperimentalSqlDataset", "RecordInput", "LoadDataset", "LoadAndRemapMatrix", "GenerateVocabRemapping",
    "Skipgram", "SnapshotDatasetReader", "SnapshotChunkDataset", "ListSnapshotChunksDataset", "FileSystemSetConfiguration",
];

const TF_NETWORK: &[&str] = &[
    "RpcCall", "RpcClient", "RpcServer", "RpcServerStart", "RpcServerRegister", "RpcCheckStatus", "RpcGetValue", "Rpc", "TryRpc", "DataServiceDataset",
    "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4", "RegisterDataset", "RegisterDatasetV2", "BigQueryReader",
    "GenerateBigQueryReaderPartitions", "GcsConfigureBlockCache", "GcsConfigureCredentials", "KafkaDataset", "KinesisDataset", "RemoteCall",
];

/// Operators that every saved model or pipeline has and that act on the path that they are given.
const TF_PATH: &[(&str, Effect)] = &[
    ("SaveV2", Effect::Write),
    ("Save", Effect::Write),
    ("SaveSlices", Effect::Write),
    ("MergeV2Checkpoints", Effect::Write),
    ("PrintV2", Effect::Write),
    ("RestoreV2", Effect::Records),
    ("Restore", Effect::Records),
    ("RestoreSlice", Effect::Records),
    ("InitializeTableFromTextFile", Effect::Records),
    ("InitializeTableFromTextFileV2", Effect::Records),
    ("FixedUnigramCandidateSampler", Effect::Records),
    ("DecodeProtoV2", Effect::Records),
    ("EncodeProto", Effect::Records),
    ("PartitionedCall", Effect::Path),
    ("StatefulPartitionedCall", Effect::Path),
];

fn tensorflow(name: &str, texts: &[OperatorText]) -> Standing {
    if TF_PYTHON.contains(&name) {
        return Standing::Acts(Effect::Python);
    }
    if TF_WRITE.contains(&name) {
        return Standing::Acts(Effect::Write);
    }
    if name == "ReadFile" {
        return Standing::Acts(Effect::Read);
    }
    if TF_RECORDS.contains(&name) {
        return Standing::Acts(Effect::Records);
    }
    if TF_NETWORK.contains(&name) {
        return Standing::Acts(Effect::Network);
    }
    if let Some((_, effect)) = TF_PATH.iter().find(|(n, _)| *n == name) {
        let acts = match effect {
            Effect::Path => texts.iter().any(|t| plausible(&t.value)),
            // The first input is the path, the second may be a list of names.
            _ => texts.iter().any(|t| takes_path(name, &t.key) && outside(&t.value)),
        };
        return if acts { Standing::Acts(*effect) } else { Standing::Builtin };
    }
    match name {
        "ImmutableConst" => Standing::Acts(Effect::Memory),
        "XlaCustomCall" | "XlaCustomCallV2" | "RemoteFusedGraphExecute" => Standing::Acts(Effect::Native),
        "TRTEngineOp" => Standing::Acts(Effect::Engine),
        // Registered only where TensorFlow was built with TensorRT.
        "CreateTRTResourceHandle" | "InitializeTRTResource" | "SerializeTRTResource" | "GetCalibrationDataOp" | "TRTCalibOp" => Standing::Builtin,
        // The debugger's operators send what they see to where they are told.
        n if n.starts_with("Debug") && texts.iter().any(|t| t.key == "debug_urls") => {
            Standing::Acts(if texts.iter().any(|t| t.value.starts_with("grpc")) { Effect::Network } else { Effect::Write })
        }
        n if names("tensorflow").contains(n) => Standing::Builtin,
        n => tensorflow_addon(n).map_or(Standing::Unknown, Standing::Addon),
    }
}

fn takes_path(name: &str, key: &str) -> bool {
    match name {
        "InitializeTableFromTextFile" | "InitializeTableFromTextFileV2" => key == "input 1",
        "MergeV2Checkpoints" => key.starts_with("input"),
        "PrintV2" => key == "output_stream",
        "FixedUnigramCandidateSampler" => key == "vocab_file",
        "DecodeProtoV2" | "EncodeProto" => key == "descriptor_source",
        _ => key == "input 0",
    }
}

/// Operators of packages that are loaded beside TensorFlow by those who use them.
fn tensorflow_addon(name: &str) -> Option<&'static str> {
    Some(match name {
        n if n.starts_with("TFText>")
            || n.starts_with("Sentencepiece")
            || n.starts_with("WordpieceTokenize")
            || n.starts_with("WhitespaceTokenize")
            || n.starts_with("UnicodeScriptTokenize")
            || n.starts_with("FastWordpiece")
            || n.starts_with("FastSentencepiece") =>
        {
            "tensorflow-text"
        }
        "NormalizeUTF8"
        | "CaseFoldUTF8"
        | "ConstrainedSequence"
        | "RegexSplitWithOffsets"
        | "SplitMergeTokenizeWithOffsets"
        | "RougeL"
        | "NgramsStringJoin"
        | "NormalizeUTF8WithOffsetsMap"
        | "FindSourceOffsets"
        | "RoundRobinTrim" => "tensorflow-text",
        n if n.starts_with("Addons>") => "tensorflow-addons",
        n if n.starts_with("IO>") => "tensorflow-io",
        n if n.starts_with("SimpleML") => "tensorflow-decision-forests",
        n if n.starts_with("Tfra>") => "tensorflow-recommenders-addons",
        n if n.starts_with("Hvd") || n.starts_with("Horovod") => "horovod",
        _ => return None,
    })
}

fn tflite(name: &str) -> Standing {
    match name {
        // Registered by the interpreter itself.
        "TFLite_Detection_PostProcess" | "Mfcc" | "AudioSpectrogram" | "NumericVerify" => Standing::Builtin,
        "edgetpu-custom-op" => Standing::Acts(Effect::Engine),
        "Convolution2DTransposeBias"
        | "MaxPoolingWithArgmax2D"
        | "MaxUnpooling2D"
        | "Landmarks2TransformMatrix"
        | "TransformTensorBilinear"
        | "TransformLandmarks"
        | "Resampler"
        | "FusedBatchNormV3" => Standing::Addon("MediaPipe"),
        "TFSentencepieceTokenizeOp" | "TFSentencepieceDetokenizeOp" | "TFSentencepieceTokenizerOp" => Standing::Addon("tensorflow-text"),
        n if n.starts_with("tftext:") || n.starts_with("TFText>") => Standing::Addon("tensorflow-text"),
        n if n.starts_with("odml.") || n.starts_with("stablehlo.") => Standing::Addon("Google's on-device libraries"),
        _ => Standing::Unknown,
    }
}

fn paddle(domain: &str, name: &str) -> Standing {
    let plain = name.trim_end_matches('_');
    match plain {
        "py_func" => Standing::Acts(Effect::Python),
        "save" | "save_combine" | "checkpoint_notify" => Standing::Acts(Effect::Write),
        "load" | "load_combine" | "read_file" | "distributed_lookup_table" => Standing::Acts(Effect::Read),
        "send"
        | "recv"
        | "listen_and_serv"
        | "prefetch"
        | "fl_listen_and_serv"
        | "heter_listen_and_serv"
        | "send_and_recv"
        | "gen_nccl_id"
        | "c_gen_nccl_id"
        | "gen_bkcl_id"
        | "c_gen_bkcl_id" => Standing::Acts(Effect::Network),
        "tensorrt_engine" | "lite_engine" | "openvino_engine" => Standing::Acts(Effect::Engine),
        _ => match domain {
            "builtin" | "pd_op" | "cf" | "pd_dist" => Standing::Builtin,
            "" if names("paddle").contains(name) || name.strip_suffix("_grad").is_some_and(|n| names("paddle").contains(n)) => Standing::Builtin,
            "" if matches!(name, "feed" | "fetch" | "while" | "conditional_block") => Standing::Builtin,
            _ => Standing::Unknown,
        },
    }
}

fn mxnet(name: &str) -> Standing {
    match name {
        "Custom" | "_npi_Custom" | "_CustomFunction" => Standing::Acts(Effect::Python),
        // Their `info` is an address of a table of functions.
        "_Native" | "_NDArray" => Standing::Acts(Effect::Memory),
        "_cvimread" => Standing::Acts(Effect::Read),
        n if names("mxnet").contains(n) || n.strip_prefix("_backward_").is_some_and(|n| names("mxnet").contains(n)) => Standing::Builtin,
        _ => Standing::Unknown,
    }
}

/// Namespaces of kernels that come with ExecuTorch.
const EXECUTORCH: &[&str] = &[
    "aten", "prim", "executorch_prim", "dim_order_ops", "quantized_decomposed", "quantized", "llama", "torchao", "cadence", "cortex_m", "tosa", "et_vk",
    "coreml", "custom_sdpa", "backend",
];

/// Delegates that come with ExecuTorch.
const DELEGATES: &[&str] = &[
    "XnnpackBackend", "CoreMLBackend", "QnnBackend", "VulkanBackend", "MPSBackend", "MetalBackend", "EthosUBackend", "VgfBackend", "ArmBackend",
    "NeuropilotBackend", "OpenvinoBackend", "CudaBackend", "AotiBackend", "EnnBackend", "NXPBackend", "NeutronBackend", "TensorRTBackend",
];

fn executorch(domain: &str, name: &str) -> Standing {
    let known = if domain == "delegate" { DELEGATES.contains(&name) } else { EXECUTORCH.contains(&domain) };
    if known { Standing::Builtin } else { Standing::Unknown }
}

fn openvino(version: &str) -> Standing {
    let numbered = version.strip_prefix("opset").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match version {
        // Before version 10 layers had no set.
        "" | "experimental" | "ie_internal_opset" | "type_relaxed_opset" | "gpu_opset" | "util" | "cpu_plugin_opset" | "SnippetsOpset" => Standing::Builtin,
        _ if numbered => Standing::Builtin,
        "extension" => Standing::Acts(Effect::Native),
        _ => Standing::Unknown,
    }
}

/// Functions that JAX, XLA and StableHLO register under their own names (`jax/_src/export/_export.py`, XLA's `custom_call` passes).
const XLA_CALLS: &[&str] = &[
    "AllocateBuffer", "ApproxTopK", "AssumeGatherIndicesInBound", "Cholesky", "Eigh", "LayoutConstraint", "LuDecomposition", "MoveToDevice", "MoveToHost",
    "PartialReduce", "PinToDevice", "PinToDeviceSram", "ProductOfElementaryHouseholderReflectors", "Qr", "QrDecomposition", "ResizeBilinear",
    "ResizeBilinearGrad", "ResizeNearest", "SPMDFullToShardShape", "SPMDShardToFullShape", "SetBound", "Sharding", "SliceToDynamic", "PadToStatic", "TopK",
    "X64Combine", "X64SplitHigh", "X64SplitLow", "annotate_device_placement", "inspect_sharding", "shape_assertion", "tf.call_tf_function", "tpu_custom_call",
    "dynamic_ducc_fft", "ducc_fft", "TriangularSolve", "HloCanonicalFuser", "lu_pivots_to_permutation",
];

/// Beginnings of the names that they give to whole families of kernels.
const XLA_FAMILIES: &[&str] = &[
    "lapack_", "blas_", "cusolver_", "cublas_", "cusparse_", "cudnn", "cuda_", "cu_", "hip", "miopen", "rocm_", "__cu", "__gpu$", "__onednn$", "__op$",
    "__hip", "stablehlo.", "mhlo.", "chlo.", "xla.sdy.", "xla.gpu.", "xla.cpu.", "xla.decorator", "sdy.", "mosaic_gpu", "triton_kernel_call", "__xla_internal",
    "annotate_",
];

/// A function of the process that a computation calls by its name.
fn xla(name: &str) -> Standing {
    // Their operand or setting is an address of a Python object in the process that wrote the file.
    if name.contains("python") && name.contains("callback") || name.starts_with("xla_ffi_partitioned_python") {
        return Standing::Acts(Effect::Memory);
    }
    if XLA_CALLS.contains(&name) || XLA_FAMILIES.iter().any(|f| name.starts_with(f)) { Standing::Builtin } else { Standing::Unknown }
}

/// Whether a path leads out of the folder that the model is in.
fn outside(text: &str) -> bool {
    let b = text.as_bytes();
    let drive = matches!(b, [d, b':', b'\\' | b'/', ..] if d.is_ascii_alphabetic());
    text.starts_with(['/', '\\', '~']) || drive || text.contains("://") || text.split(['/', '\\']).any(|p| p.trim() == "..")
}

/// Whether a text that could be anything is a path that leads out: nothing but what paths are made of, and more than a step.
fn plausible(text: &str) -> bool {
    let path = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | ':' | '_' | '-' | '~'));
    path && text.len() > 4 && text.split(['/', '\\']).filter(|p| !p.is_empty()).count() >= 2 && outside(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, value: &str) -> Vec<OperatorText> {
        vec![OperatorText { key: key.into(), value: value.into() }]
    }

    #[test]
    fn the_lists_were_collected() {
        for (family, name) in
            [("tensorflow", "MatMul"), ("tensorflow", "_Retval"), ("onnx", "LayerNormalization"), ("mxnet", "FullyConnected"), ("paddle", "conv2d")]
        {
            assert!(names(family).contains(name), "{family} {name}");
        }
    }

    #[test]
    fn what_every_model_has_is_no_alarm() {
        for name in ["SaveV2", "RestoreV2", "MergeV2Checkpoints", "InitializeTableFromTextFileV2", "StatefulPartitionedCall", "Assert", "HashTableV2"] {
            assert_eq!(standing("tensorflow", "", name, &[]), Standing::Builtin, "{name}");
        }
        assert_eq!(standing("tensorflow", "", "SaveV2", &text("input 0", "model")), Standing::Builtin);
        assert_eq!(standing("tensorflow", "", "SaveV2", &text("input 1", "/layer/kernel")), Standing::Builtin);
        assert_eq!(standing("tensorflow", "", "PartitionedCall", &text("input 0", "[/a]")), Standing::Builtin);
        assert_eq!(standing("openvino", "opset13", "Convolution", &[]), Standing::Builtin);
    }

    #[test]
    fn what_acts_is_known_for_it() {
        assert_eq!(standing("tensorflow", "", "SaveV2", &text("input 0", "/root/.bashrc")), Standing::Acts(Effect::Write));
        assert_eq!(standing("tflite", "flex", "WriteFile", &[]), Standing::Acts(Effect::Write));
        assert_eq!(standing("onnx", "any.domain", "PyOp", &[]), Standing::Acts(Effect::Python));
        assert_eq!(standing("onnx", "my.ops", "Relu", &[]), Standing::Unknown);
        assert_eq!(standing("onnx", "com.microsoft", "MatMulNBits", &[]), Standing::Builtin);
        assert_eq!(standing("onnx", "com.microsoft", "LayerNormalizationGrad", &[]), Standing::Builtin);
        assert_eq!(standing("onnx", "com.microsoft", "MyOwnKernel", &[]), Standing::Unknown);
        assert_eq!(standing("onnx", "ai.onnx.ml", "TreeEnsembleClassifier", &[]), Standing::Builtin);
        assert_eq!(standing("onnx", "ai.onnx.ml", "MyOwnKernel", &[]), Standing::Unknown);
        assert_eq!(standing("xla", "", "lapack_spotrf_ffi", &[]), Standing::Builtin);
        assert_eq!(standing("xla", "", "my_kernel", &[]), Standing::Unknown);
        assert_eq!(standing("xla", "", "xla_ffi_python_cpu_callback", &[]), Standing::Acts(Effect::Memory));
        assert_eq!(standing("paddle", "custom_op", "relu", &[]), Standing::Unknown);
        assert_eq!(standing("coreml", "custom", "Relu", &[]), Standing::Class);
    }
}
