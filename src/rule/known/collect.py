#!/usr/bin/env python3
"""Build expected.txt from libraries that are really installed.

    collect.py rebuild FOLDER [ENVIRONMENT...]   install the environments of libraries.txt under FOLDER one by one, probe each, write the table
    collect.py merge ENVIRONMENT INTERPRETER     probe an interpreter that is there already, and write the table
    collect.py table [OUT]                       write expected.txt anew from origins.txt and the tables below
    collect.py why MODULE NAME                   where a row comes from
    collect.py --probe [PACKAGE...]              print what this interpreter's libraries contribute
    collect.py --try ANSWER                      print what of such an answer acts on the machine when it is handed hostile arguments (part of --probe)

`rebuild` needs the Pythons that libraries.txt names on the PATH or under ~/.pyenv/versions, and the network for pip; an environment at a time is
installed, probed and removed again: at most 8 GB, some minutes each. What one environment says replaces what it said before in origins.txt, the
others stay. So an environment that cannot be installed any more keeps its rows, with the versions that they were seen in, and one with newer
versions gets a line of its own in libraries.txt.

An entry is a pair (module, name) that resolves, in a real installation, to an object that may stand in a pickle, and
letters for what may be done with it there:

    r  it may be named          c  it may be called (REDUCE, OBJ, INST; NEWOBJ too)
    b  it may receive BUILD     n  NEWOBJ may make one, which runs no __init__
    w  a call is fine when its first argument is
    g  its call resolves a name: judge what it resolves to
    s  what its call gives is shared with the whole program: it may not receive BUILD

and a reason:

    class     all that the unpickler would run of it (construction, state, the container protocol, hashing, destruction) either is the
              interpreter's default or was read, function by function, and found not to run code, open files, start processes, import by
              string, or call its own arguments
    state     the same, but for its constructor: it may be made and filled, not called
    template  a distribution of scipy's, whose state has a rule of its own
    formula   data of statsmodels', whose state has one, too
    text      an expression of sympy's, whose arguments have one
    enum      an enumeration: making one looks a value up
    function  a reference only, from modules whose functions are arithmetic
    ufunc, constant, cython     numpy's and scipy's ufuncs, torch's dtypes and layouts, the functions that Cython writes for unpickling
    moved     a place where an older version kept a class
    misfit    a class that its family's row, see FAMILIES and WHOLE, would allow more than was read of it
    whole     a package of WHOLE, or a module of one, all of whose classes were read
    unread    one that could not be imported: its classes may be named only, unless another version's were read
    earlier   taken over from runs of this script whose answers were not kept: the versions are those of all of them (environment `earlier`);
              a row goes over to the environment that shows it again

What may be *called* among functions is a short list below, each with its reason. Reading is not all: every class that would enter is
made, called and filled with paths, addresses and code as arguments, under an audit hook that refuses and notes every effect (`--try`); what acts on
one of them is left out, or may not be called.

Nothing here reads a pickle. The output depends only on origins.txt and this file, and is sorted, so that a library upgrade shows
as a readable diff.
"""
import ast
import dis
import enum
import importlib
import inspect
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import time
import types
import warnings

# Modules of which only values enter, enumerations, dataclasses and tuples with names: what a sharded checkpoint says of its pieces, how a
# model was spread over devices, what a graph's values look like. What stands beside them talks to other processes, or runs code.
VALUES = set("""
    torch.distributed._mesh_layout torch.distributed._shard.checkpoint.metadata torch.distributed._shard.metadata
    torch.distributed._shard.sharded_tensor.metadata torch.distributed._shard.sharded_tensor.shard torch.distributed._shard.sharding_spec.api
    torch.distributed._shard.sharding_spec.chunk_sharding_spec torch.distributed._sharded_tensor.metadata torch.distributed._sharded_tensor.shard
    torch.distributed._sharding_spec.api torch.distributed._sharding_spec.chunk_sharding_spec torch.distributed._tensor.placement_types
    torch.distributed.algorithms._checkpoint.checkpoint_wrapper torch.distributed.algorithms.ddp_comm_hooks torch.distributed.checkpoint.filesystem
    torch.distributed.checkpoint.metadata torch.distributed.checkpoint.planner torch.distributed.checkpoint.state_dict
    torch.distributed.checkpoint.storage torch.distributed.fsdp torch.distributed.fsdp._flat_param torch.distributed.fsdp._fully_shard._fsdp_api
    torch.distributed.fsdp._optim_utils torch.distributed.fsdp.api torch.distributed.fsdp.flatten_params_wrapper
    torch.distributed.fsdp.fully_sharded_data_parallel torch.distributed.tensor._dtensor_spec torch.distributed.tensor.placement_types
    torch.fx.passes.shape_prop torch.profiler.profiler
""".split())

# Which packages are walked, and how far. None: everything below the package. Otherwise only these prefixes: large
# packages that also hold compilers, servers and download code are entered by name only.
PACKAGES = {
    "numpy": ["numpy.core", "numpy._core", "numpy.ma", "numpy.random", "numpy.matrixlib", "numpy.polynomial",
              "numpy.linalg", "numpy.fft", "numpy.lib", "numpy.dtypes", "numpy.exceptions", "numpy.rec"],
    "scipy": ["scipy.sparse", "scipy.stats", "scipy.interpolate", "scipy.spatial", "scipy.optimize", "scipy.special",
              "scipy.signal", "scipy.linalg", "scipy.integrate", "scipy.cluster", "scipy.fft", "scipy.odr", "scipy.ndimage",
              "scipy._lib._disjoint_set"],
    "sklearn": None,
    "pandas": ["pandas.core", "pandas._libs", "pandas.tseries", "pandas.compat.pickle_compat", "pandas.arrays",
               "pandas.api", "pandas.errors", "pandas.indexes", "pandas.types", "pandas.sparse", "pandas.tslib", "pandas._sparse",
               "pandas._period", "pandas.tools"],
    "joblib": ["joblib.numpy_pickle", "joblib.numpy_pickle_compat"],
    "statsmodels": None,
    "patsy": None,
    "formulaic": None,
    "xgboost": ["xgboost.sklearn", "xgboost.core", "xgboost.compat", "xgboost.callback", "xgboost.training"],
    "lightgbm": ["lightgbm.basic", "lightgbm.sklearn", "lightgbm.compat", "lightgbm.callback", "lightgbm.engine"],
    "catboost": ["catboost.core"],
    "gensim": ["gensim.models", "gensim.corpora", "gensim.similarities", "gensim.summarization.bm25", "gensim.interfaces", "gensim.utils", "gensim.parsing.preprocessing",
               "gensim.matutils"],
    "imblearn": None,
    "category_encoders": None,
    "skops": ["skops.card"],
    "spacy": ["spacy.vocab", "spacy.tokens", "spacy.lookups", "spacy.morphology", "spacy.strings", "spacy.vectors",
              "spacy.symbols", "spacy.pipeline", "spacy.attrs", "spacy.matcher", "spacy.training.example", "spacy.ml", "spacy.language", "spacy.lang", "spacy.tokenizer", "spacy.lexeme", "spacy.scorer"],
    "thinc": ["thinc.types", "thinc.optimizers", "thinc.schedules", "thinc.initializers", "thinc.model", "thinc.layers", "thinc.loss", "thinc.backends.ops",
              "thinc.backends.numpy_ops", "thinc.backends._param_server"],
    "confection": ["confection._config"],
    "preshed": None,
    "cymem": None,
    "srsly": [],
    "umap": ["umap.umap_", "umap.aligned_umap", "umap.spectral"],
    "pynndescent": ["pynndescent.pynndescent_"],
    "hdbscan": ["hdbscan.hdbscan_", "hdbscan.prediction", "hdbscan.plots", "hdbscan._hdbscan_tree", "hdbscan.dist_metrics"],
    "mlxtend": ["mlxtend.classifier", "mlxtend.regressor", "mlxtend.feature_selection", "mlxtend.preprocessing",
                "mlxtend.cluster", "mlxtend.feature_extraction"],
    "lifelines": ["lifelines.fitters", "lifelines.utils"],
    "feature_engine": None,
    "pmdarima": ["pmdarima.arima", "pmdarima.pipeline", "pmdarima.preprocessing", "pmdarima.compat"],
    "prophet": ["prophet.forecaster", "prophet.make_holidays"],
    "nltk": ["nltk.tokenize", "nltk.stem", "nltk.probability", "nltk.classify", "nltk.tag", "nltk.lm", "nltk.tree",
             "nltk.collocations", "nltk.metrics", "nltk.chunk", "nltk.grammar", "nltk.collections", "nltk.redos", "nltk.sentiment",
             "nltk.featstruct", "nltk.text", "nltk.util", "nltk.translate", "nltk.cluster"],
    "regex": [],
    "keras": ["keras.src.callbacks.history", "keras.src.utils.tracking"],
    "torch": ["torch.nn", "torch.optim", "torch.distributions", "torch.utils.data.dataset",
              "torch.utils.data.sampler", "torch.utils.hooks", "torch.ao.nn", "torch.ao.quantization",
              "torch.quantization", "torch._tensor", "torch.tensor", "torch.storage", "torch.amp.grad_scaler",
              "torch.cuda.amp.grad_scaler", "torch.torch_version"] + sorted(VALUES),
    "torchvision": ["torchvision.models", "torchvision.transforms", "torchvision.ops", "torchvision.tv_tensors"],
    "torchaudio": ["torchaudio.transforms", "torchaudio.models"],
    "transformers": ["transformers.models", "transformers.tokenization_utils_fast", "transformers.modeling_utils", "transformers.configuration_utils", "transformers.generation",
                     "transformers.trainer_utils", "transformers.trainer_pt_utils", "transformers.training_args",
                     "transformers.training_args_seq2seq", "transformers.tokenization_utils_base",
                     "transformers.tokenization_utils", "transformers.tokenization_utils_tokenizers",
                     "transformers.tokenization_python", "transformers.data.data_collator", "transformers.activations", "transformers.modeling_outputs",
                     "transformers.pytorch_utils", "transformers.debug_utils", "transformers.optimization",
                     "transformers.feature_extraction_utils", "transformers.generation_logits_process", "transformers.generation_stopping_criteria", "transformers.cache_utils",
                     "transformers.integrations.deepspeed", "transformers.utils.generic",
                     "transformers.utils.quantization_config", "transformers.backbone_utils", "transformers.modeling_rope_utils",
                     "transformers.integrations.heterogeneity.configuration_utils", "transformers.pipelines"],
    "tokenizers": None,
    "flair": ["flair.data", "flair.embeddings", "flair.models", "flair.nn"],
    "langchain_core": ["langchain_core.documents"],
    "langchain_community": ["langchain_community.docstore"],
    "sentence_transformers": None,
    "accelerate": ["accelerate.utils.dataclasses", "accelerate.state"],
    "pytorch_lightning": ["pytorch_lightning.callbacks", "pytorch_lightning.utilities", "pytorch_lightning.trainer.states"],
    "lightning_fabric": ["lightning_fabric.utilities"],
    "torchmetrics": None,
    "timm": ["timm.layers", "timm.models", "timm.optim", "timm.scheduler", "timm.loss", "timm.data", "timm.utils.model_ema"],
    "pytorch_transformers": None,
    "pytorch_pretrained_bert": None,
    "diffusers": ["diffusers.models", "diffusers.schedulers", "diffusers.configuration_utils", "diffusers.utils",
                  "diffusers.image_processor", "diffusers.training_utils"],
    "peft": ["peft.tuners", "peft.config", "peft.peft_model", "peft.mapping", "peft.utils"],
    "trl": ["trl.trainer", "trl.models"],
    "setfit": ["setfit.modeling", "setfit.training_args"],
    "ultralytics": ["ultralytics.nn", "ultralytics.utils", "ultralytics.engine.results"],
    "torch_geometric": ["torch_geometric.nn", "torch_geometric.data", "torch_geometric.utils", "torch_geometric.transforms", "torch_geometric.inspector"],
    "fastai": ["fastai.layers", "fastai.learner", "fastai.optimizer", "fastai.metrics", "fastai.losses", "fastai.callback",
               "fastai.data", "fastai.tabular", "fastai.text", "fastai.vision", "fastai.torch_core"],
    "fastcore": ["fastcore.transform", "fastcore.foundation", "fastcore.dispatch", "fastcore.basics"],
    "stable_baselines3": None,
    "sb3_contrib": None,
    "gymnasium": ["gymnasium.spaces"],
    "gym": ["gym.spaces"],
    "tianshou": ["tianshou.data", "tianshou.policy", "tianshou.utils"],
    "segmentation_models_pytorch": None,
    "efficientnet_pytorch": None,
    "facenet_pytorch": ["facenet_pytorch.models"],
    "resnest": None,
    "monai": ["monai.networks", "monai.losses", "monai.transforms", "monai.optimizers", "monai.metrics"],
    "kornia": None,
    "open_clip": ["open_clip.model", "open_clip.transformer", "open_clip.modified_resnet", "open_clip.timm_model"],
    "pytorch_tabnet": None,
    "pytorch_forecasting": ["pytorch_forecasting.models", "pytorch_forecasting.metrics", "pytorch_forecasting.data"],
    "gpytorch": None,
    "linear_operator": None,
    "botorch": ["botorch.models", "botorch.acquisition", "botorch.posteriors", "botorch.optim"],
    "pyro": ["pyro.nn", "pyro.distributions", "pyro.optim", "pyro.infer"],
    "speechbrain": ["speechbrain.nnet", "speechbrain.lobes", "speechbrain.processing", "speechbrain.utils"],
    "e3nn": None,
    "x_transformers": None,
    "vit_pytorch": None,
    "lightly": ["lightly.models", "lightly.loss"],
    "pytorch_metric_learning": None,
    "einops": ["einops.layers", "einops.einops"],
    "torchdiffeq": None,
    "mmengine": ["mmengine.model", "mmengine.config", "mmengine.structures", "mmengine.logging"],
    "mmcv": ["mmcv.cnn", "mmcv.ops", "mmcv.transforms"],
    "tabpfn": None,
    "autogluon": ["autogluon.core", "autogluon.tabular", "autogluon.features", "autogluon.common"],
    "darts": ["darts.models", "darts.timeseries", "darts.dataprocessing", "darts.utils"],
    "neuralforecast": None,
    "tsai": ["tsai.models", "tsai.losses"],
    "skorch": None,
    "captum": ["captum.attr"],
    "esm": None,
    "chemprop": ["chemprop.models", "chemprop.nn", "chemprop.data", "chemprop.featurizers"],
    "pykeen": ["pykeen.models", "pykeen.nn", "pykeen.losses", "pykeen.triples"],
    "gliner": ["gliner.modeling", "gliner.model", "gliner.config"],
    "FlagEmbedding": None,
    "bertopic": None,
    "keybert": None,
    "torchcrf": None,
    "TorchCRF": None,
    "ignite": ["ignite.metrics", "ignite.engine"],
    "catalyst": ["catalyst.contrib"],
    "demucs": None,
    "dgl": ["dgl.nn", "dgl.data"],
    "torchtext": ["torchtext.vocab", "torchtext.data", "torchtext.nn", "torchtext.models"],
    "lightning_utilities": None,
    "jax": ["jax._src.tree_util", "jax._src.array", "jax._src.core"],
    "flax": ["flax.core", "flax.linen", "flax.training", "flax.struct", "flax.nnx"],
    "optax": None,
    "haiku": None,
    "chex": None,
    "equinox": ["equinox.nn", "equinox._module"],
    "mxnet": ["mxnet.optimizer", "mxnet.lr_scheduler", "mxnet.gluon", "mxnet.initializer", "mxnet.metric", "mxnet.context",
              "mxnet.ndarray", "mxnet.numpy"],
    "gluoncv": ["gluoncv.model_zoo", "gluoncv.nn", "gluoncv.loss"],
    "pyod": None,
    "tslearn": None,
    "hmmlearn": None,
    "pygam": None,
    "ngboost": None,
    "skopt": None,
    "bayes_opt": None,
    "hyperopt": ["hyperopt.base", "hyperopt.pyll", "hyperopt.rdists"],
    "optuna": ["optuna.study", "optuna.trial", "optuna.samplers", "optuna.pruners", "optuna.distributions",
               "optuna.storages._in_memory", "optuna.search_space", "optuna._gp"],
    "shap": ["shap.explainers", "shap._explanation", "shap.maskers", "shap.models", "shap.utils._legacy", "shap.links"],
    "slicer": None,
    "interpret": None,
    "econml": None,
    "implicit": None,
    "pyts": None,
    "sympy": ["sympy.core", "sympy.functions", "sympy.matrices", "sympy.sets", "sympy.polys", "sympy.series",
              "sympy.logic", "sympy.simplify", "sympy.tensor.indexed", "sympy.integrals.integrals", "sympy.concrete", "sympy.algebras",
              "sympy.geometry", "sympy.physics.units", "sympy.combinatorics", "sympy.stats"],
    "shapely": None,
    "pint": ["pint.registry", "pint.quantity", "pint.unit", "pint.util", "pint.facets"],
    "xarray": ["xarray.core", "xarray.coding", "xarray.namedarray"],
    "networkx": ["networkx.classes"],
    "pyproj": ["pyproj.crs"],
    "geopandas": ["geopandas.geodataframe", "geopandas.geoseries", "geopandas.array"],
    "gplearn": None,
    "deap": ["deap.base", "deap.gp", "deap.tools"],
    "fairlearn": None,
    "dask_ml": None,
    "tsfresh": ["tsfresh.transformers", "tsfresh.feature_extraction"],
    "statsforecast": None,
    "mlforecast": None,
    "utilsforecast": None,
    "astropy": ["astropy.units", "astropy.time", "astropy.table", "astropy.coordinates", "astropy.modeling", "astropy.cosmology"],
    "lmfit": ["lmfit.lineshapes"],
    "linearmodels": ["linearmodels.iv.covariance"],
    "sktime": ["sktime.forecasting", "sktime.classification", "sktime.transformations", "sktime.regression", "sktime.base",
               "sktime.clustering", "sktime.performance_metrics", "sktime.series_as_features"],
    "skbase": None,
    "river": None,
    "mapie": None,
    "sklearn_crfsuite": None,
    "boruta": None,
    "pygad": None,
    "optbinning": None,
    "factor_analyzer": None,
    "pingouin": None,
    "lifetimes": None,
    "sksurv": None,
    "cornac": ["cornac.models", "cornac.data"],
    "surprise": ["surprise.prediction_algorithms", "surprise.trainset"],
    "evidently": ["evidently.core", "evidently.metrics"],
    "tpot": None,
    "textblob": None,
    "sacremoses": None,
    "rank_bm25": None,
    "sentencepiece": None,
    "tiktoken": ["tiktoken.core"],
    "stanza": ["stanza.models"],
    "pytz": None,
    "dateutil": ["dateutil.tz", "dateutil.relativedelta", "dateutil.rrule"],
    "tzlocal": None,
    "PIL": ["PIL.Image", "PIL.ImageFilter", "PIL.ImagePalette"],
    "omegaconf": ["omegaconf.base", "omegaconf.dictconfig", "omegaconf.listconfig", "omegaconf.nodes"],
    "yacs": None,
    "addict": None,
    "munch": None,
    "easydict": None,
    "attrdict": None,
    "box": None,
    "pydantic": ["pydantic.main", "pydantic.fields", "pydantic.types", "pydantic.networks"],
    "narwhals": ["narwhals.dtypes"],
    "polars": ["polars.datatypes", "polars.exceptions"],
    "ml_dtypes": None,
    "llvmlite": [],
    "numba": [],
}

# Packages whose own native types are taken: read, or written by the people who write the pickles. Elsewhere a type whose
# construction or state is machine code is left out, because the probe cannot read it.
NATIVE = set("""
    numpy scipy sklearn pandas statsmodels lightgbm catboost gensim imblearn spacy thinc preshed cymem hdbscan pmdarima torch
    tokenizers mlxtend lifelines sktime sksurv surprise river shapely pytz dateutil mxnet skopt implicit xgboost ml_dtypes optuna astropy arch econml
    pyproj Bio _loss
""".split())


# A module is not walked when one of its path's parts is here: tests, command lines, builders, download code, and
# vendored copies. Not because each is a gadget, but because none belongs in a saved model.
SKIP_PARTS = set("""
    tests test testing _testing conftest setup distutils f2py __main__ benchmarks examples cli _build_utils conda weave
    plotting graphics _plot _plotting datasets cloudpickle loky numba_ cuda compile package hub onnx fx jit
    _inductor _dynamo _export distributed multiprocessing data_utils evaluation trainer_callback sandbox doctest
    _pytesttester __config__ externals clr io compat_pickle interchange computation clipboard excel server app parsing
    chat convert tgrep malt senna stanford stanford_segmenter crf hunpos downloader api_docs _datasource npyio
    format _npyio_impl _format_impl _datasource_impl scimath_ model_card quantization_api backend modelcard util_download
    fx_features ctypeslib _internal cpp_extension collect_env utils_ _onnx_helpers registry fuse
""".split())

# Modules of test helpers, generators of source code and settings, and machine code that calls a model it is handed, between others that are wanted.
SKIP_MODULES = {"pandas.core.config", "pandas.tools.plotting", "scipy.special._mptestutils", "scipy.special._testutils",
                "scipy.linalg._cython_wrapper_generators", "statsmodels.tools.dump2module",
                "spacy.ml.parser_model",
                # A class of onnxruntime that reads the file it is made with.
                "torchmetrics.functional.audio.dnsmos"}

# Packages whose pickles make their objects and fill them, but do not call their classes: those open environments, download weights,
# start workers, and take as much memory as the sizes that they are handed say.
MADE_ONLY = set("""
    ultralytics stable_baselines3 sb3_contrib gymnasium skorch optuna kornia torch_geometric peft segmentation_models_pytorch
    sentence_transformers pytorch_metric_learning pyod tslearn pygam hmmlearn textblob river shap slicer spacy.language spacy.lang spacy.tokenizer
    thinc.model thinc.layers thinc.backends gym fastai fastcore flair trl setfit langchain_core langchain_community sktime darts sksurv surprise
    pytorch_tabnet timm torchvision torchmetrics diffusers pytorch_lightning lightning_fabric torchaudio efficientnet_pytorch pytorch_forecasting
    torch.nn torch.ao torch.quantization torch.distributions torch.optim tokenizers.implementations
""".split())

# Packages that are read whole, module by module, whatever a class's name: what is left over may be made and filled, in other versions too. Their rows
# are the exceptions, and what may be called.
WHOLE = set("""
    kornia river sktime skbase timm torchvision torchmetrics diffusers torch_geometric fastai fastcore sentence_transformers peft darts
    pytorch_metric_learning ultralytics segmentation_models_pytorch stable_baselines3 sb3_contrib pytorch_lightning lightning_fabric skorch
    torchaudio trl setfit pytorch_tabnet gymnasium gym efficientnet_pytorch pytorch_forecasting gpytorch linear_operator botorch
    pyro monai lightly torchio facenet_pytorch open_clip whisper speechbrain e3nn x_transformers vit_pytorch torchdiffeq tensordict tianshou d3rlpy
    captum esm pykeen class_resolver chemprop ignite poutyne torchtext mmengine mmcv stanza keybert span_marker encodec demucs openunmix asteroid
    asteroid_filterbanks deepctr_torch easyocr pytorch_widedeep neuralprophet torch_ema pytorchcv pretrainedmodels torch_optimizer
    einops tabpfn gluonts pettingzoo adapters lpips piq clip segment_anything nfoursid
    gplearn interpret mlens hyperopt skopt deap optuna imodels optbinning pyts linearmodels arch econml causalml lime eli5 metric_learn fairlearn
    tsfresh statsforecast mlforecast utilsforecast coreforecast aeon ruptures filterpy pykalman lmfit uncertainties ase Bio sklego matplotlib deslib kmodes
    prince factor_analyzer kneed yellowbrick combo suod pycaret evalml featuretools woodwork nilearn mne tensorly music21 trimesh pyod tslearn pygam
    hmmlearn textblob shap slicer sksurv surprise feature_engine imblearn category_encoders lifelines sklearn_crfsuite boruta skmultilearn
    minisom pgmpy ngboost bayes_opt stumpy lightfm implicit adtk neurokit2 treelib anytree intervaltree sortedcontainers
    bidict datasketch rank_bm25 langdetect symspellpy vaderSentiment jieba emcee dynesty GPy paramz SALib skyfield control pulp chess
    tbats pmdarima dask_ml mlxtend mapie formulaic tpot networkx astropy xarray autograd autograd_gamma nltk gensim
    cvxpy igraph rtree pyrsistent frozendict pywt skimage pandera hdbscan umap pynndescent flaml iterstrat skrules aif360 dice_ml pysat sklearn
    torchao ema_pytorch lion_pytorch prodigyopt schedulefree pytorch_ranger pytorch_optimizer came_pytorch skfda dowhy copulas geopandas skrub
""".split())

# Of these, the classes that were read may be called as well.
CALLED = {"sklearn", "networkx", "xarray", "nltk", "gensim", "imblearn", "category_encoders", "lifelines", "mlxtend", "pmdarima", "formulaic"}

# Vendored copies and old homes that real old files do name.
KEEP_MODULES = {"sklearn.metrics._plot.confusion_matrix", "sklearn.metrics._plot.roc_curve", "sklearn.metrics._plot.precision_recall_curve",
                "sklearn.metrics._plot.det_curve", "sklearn.metrics._plot.regression", "sklearn.inspection._plot.partial_dependence",
                "sklearn.inspection._plot.decision_boundary", "sklearn.model_selection._plot", "statsmodels.datasets.utils",
                "statsmodels.sandbox.stats.multicomp", "statsmodels.sandbox.regression.gmm", "sklearn.externals.joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle_compat",
                "torch.nn.parallel.distributed", "pytorch_lightning.utilities.parsing", "torch.cuda.amp.grad_scaler",
                "torch.ao.quantization.fx._equalize", "timm.layers.format"} | VALUES

BAD_GLOBALS = set("open exec execfile eval __import__ compile input breakpoint globals".split())
BAD_ATTRS = set("""
    system popen Popen check_output check_call getoutput getstatusoutput execv execve execvp import_module urlopen
    urlretrieve CDLL LoadLibrary cdll load_library mkdir makedirs unlink rmtree TemporaryDirectory NamedTemporaryFile
    mkstemp mkdtemp TemporaryFile from_pretrained hf_hub_download snapshot_download read_csv read_pickle unpickle
    fromfile from_file memmap tofile genfromtxt loadtxt write_text read_text write_bytes read_bytes resolve_name find_spec
    exec_module start_new_thread fork Thread Process exec_ load_dynamic loads _load_lib download_url
    cached_file get_file literal_eval run_module run_path CodeType
    load save savez savetxt dump read_json read_table read_parquet to_csv to_pickle sendall connect putenv kill _exit
    load_state_dict_from_url load_url load_model LoadFromFile load_library create_connection startfile spawnv open
    copyfile copy2 copytree os.remove os.rename os.replace os.rmdir os.symlink os.link os.chmod os.truncate
""".split())
# Of the module `os` alone: containers and texts have methods of these names.
OS_WRITES = set("remove rename replace rmdir symlink link chmod truncate".split())
BAD_IMPORTS = set("""
    subprocess importlib pickle cPickle marshal socket urllib urllib.request requests ctypes shutil tempfile runpy dill
    cloudpickle multiprocessing
""".split())

# What the unpickler, a container it fills, or a constructor that is handed the object may run on an instance.
RUN_ON_LOAD = ("__new__", "__setstate__", "__setattr__", "__del__", "__hash__", "__eq__", "append", "extend", "add", "__setitem__",
               "__getattr__", "__getattribute__", "__iter__", "__next__", "__len__", "__getitem__", "__int__",
               "__index__", "__float__", "__str__", "__bytes__")

# Functions of these modules are arithmetic; libraries keep references to them (losses, kernels, metrics, link functions).
REFERENCE_MODULES = re.compile(r"""^(
    numpy | numpy\.(linalg(\.linalg|\._linalg)?|fft(\.\w+)?|ma\.core|ma\.extras|lib\.\w+|_?core\.(numeric|fromnumeric|umath|_multiarray_umath|multiarray
      |_methods|function_base|einsumfunc)) |
    scipy\.(special(\._\w+)? | spatial\.distance | linalg(\.\w+)? | stats(\.\w+)? | optimize\._linesearch
      |optimize\._?optimize|ndimage\._?(filters|interpolation|measurements|morphology)) |
    sklearn\.(base|metrics(\.\w+)*|feature_selection(\.\w+)?|preprocessing(\.\w+)?|utils\.(extmath|validation|multiclass|fixes)
      |neural_network\._?base|decomposition\.(_fastica|fastica_)|gaussian_process(\.\w+)?|feature_extraction\.(text|image)
      |manifold(\.\w+)?|cluster(\.\w+)?|linear_model(\.\w+)?|svm(\.\w+)?|covariance(\.\w+)?|calibration|mixture(\.\w+)?
      |ensemble(\.\w+)?|inspection(\.\w+)?|isotonic|kernel_approximation|model_selection\._(split|validation)) |
    torch | torch\.(nn\.functional|nn\.init|functional|_C\._nn|nn\.utils\.(weight_norm|spectral_norm|clip_grad|rnn)
      |special|_C\._special|linalg|_C\._linalg|optim\.lr_scheduler) |
    torchvision\.transforms\.functional | torchvision\.ops\.\w+ |
    statsmodels\.(tools\.\w+|base\.l1_\w+|tsa\.exponential_smoothing\._ets_smooth|regression\.\w+|genmod\.\w+|robust\.\w+) |
    transformers\.(activations|pytorch_utils|modeling_outputs|optimization|modeling_rope_utils) |
    lifelines\.utils(\.\w+)? | thinc\.initializers | pandas\.(core\.(nanops|algorithms|reshape\.\w+|tools\.\w+|dtypes\.missing)|tseries\.tools|types\.missing|tools\.\w+) | nltk\.metrics\.\w+ |
    gensim\.(matutils|utils|models\.\w+) | patsy\.\w+ | umap\.distances | pynndescent\.distances |
    spacy\.(lang\.(\w+\.)?(lex_attrs|syntax_iterators|punctuation)|(pipeline|ml)(\.\w+)*|matcher\.levenshtein) | thinc\.(layers\.\w+|model) | shap\.links | river\._river_rust\.vectordict |
    torchmetrics\.utilities\.data | optuna\.(samplers\._tpe\.sampler|_gp\.prior) | kornia\.enhance\.\w+ |
    timm\.data\.auto_augment | timm\.layers\.activations | torchaudio\.models\.rnnt_decoder | segmentation_models_pytorch\.losses\._functional |
    fastai\.(metrics|optimizer|losses|layers|torch_core|data\.(load|transforms|core)|vision\.(augment|learner|models\.\w+)|tabular\.\w+) | skorch\.(utils|setter) |
    gplearn\.(functions|fitness) | kmodes\.util\.dissim | sktime\.utils\.slope_and_trend | astropy\.cosmology\.flrw\.scalar_inv_efuncs |
    lmfit\.lineshapes | astropy\.modeling\.utils | sksurv\.metrics | gensim\.parsing\.preprocessing | nltk\.tag\.hmm | mlforecast\.auto | skfda\.misc\.kernels | datasketch\.hashfunc | linearmodels\.\w+\.\w+ |
    kornia\.augmentation\._[23]d\.\w+\.\w+ | torch_geometric\.nn\.pool\.glob | pytorch_lightning\.callbacks\.finetuning
)$""", re.X)
# Of these also functions that call what they are handed.
LAYER_MODULES = re.compile(r"(thinc\.layers|spacy\.ml)\.")
# Names that read, write, import or drive other code, whatever module they are in.
BAD_FUNCTION = re.compile(r"""
    load|save|fetch|read|open|dump|from(file|txt|regex|function|pyfunc|buffer|string)|frompyfunc|txt|apply|vectorize
    |piecewise|import|eval(?!uate_?metric)|exec|(^|_)run|compile|include|(^|_)test$|show_|(^|_)main(_|$)|setup|deprecat|pickle
    |memmap|tofile|download|source|lookfor|(^|_)info$|vmap|(^|_)hub(_|$)|(^|_)call_|script|(^|_)trace_|(^|_)jit|register|(^|_)set_|_as_function|dispatch
    |disp$|who$|safe_|warn|config|library|_fn$|wrapper|decorat|check_output|print|smart_|get_max_id|revdict|delayed
""", re.X)

# Built-in types, and standard-library values. Written down because the interpreter's own types cannot be read by the probe; each is a
# container or a value whose constructor computes only. Constructors that pull from an iterator are left to the machine,
# which refuses a lazy iterator inside an argument.
STDLIB = """
builtins rcb int float complex bool str bytes bytearray list tuple dict set frozenset object range slice
builtins r type NotImplemented Ellipsis None abs all any bin bool chr divmod format hash hex len max min oct ord pow repr round
builtins r id print sorted sum isinstance issubclass callable ascii property staticmethod classmethod
builtins rcb memoryview
# iterators over what stands in the pickle; a lazy call among them is found where it is made
builtins rcb zip enumerate reversed
builtins rcbw iter
builtins rcg getattr
__builtin__ rcb unicode long basestring xrange
__builtin__ r cmp unichr
copyreg rcb _reconstructor __newobj__ __newobj_ex__
copyreg r _slotnames
codecs rc encode
_codecs rc encode
collections rcb OrderedDict defaultdict Counter deque ChainMap UserDict UserList UserString
collections.abc r Mapping Sequence Iterable Callable MutableMapping Set Hashable Sized Container Collection
# what `Callable[[int], str]` is, also as protocols up to 2 name it
collections.abc rc _CallableGenericAlias
_collections_abc rc _CallableGenericAlias
_abcoll rc _CallableGenericAlias
datetime rcb date time datetime timedelta timezone tzinfo
# what columns of text are read with
datetime r datetime.strptime datetime.fromisoformat datetime.fromtimestamp date.fromisoformat date.fromordinal
decimal rcb Decimal Context DecimalTuple
fractions rcb Fraction
uuid rcb UUID
uuid rcb SafeUUID
array rc array _array_reconstructor
pathlib rcb PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath
pathlib._local rcb PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath
ipaddress rcb IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface
random rcb Random
random rcb SystemRandom
random r Random.random Random.randint Random.uniform Random.choice Random.shuffle Random.sample Random.gauss
argparse rcb Namespace
types rcb SimpleNamespace
types r NoneType MappingProxyType
# binds a function to its first argument: as good as the function
types rcw MethodType
types rc GenericAlias
time rcb struct_time
io rcb BytesIO StringIO
re rc _compile
re rc compile
re r escape search match fullmatch findall finditer split
re rcb RegexFlag
# the logger that the whole program has: with a state it says nothing any more
logging rcs getLogger
logging rcb LogRecord Filter PercentStyle StrFormatStyle
logging rcb Formatter
string rcb Template
functools rcw partial
functools rcw _partial
functools r cmp_to_key total_ordering wraps Placeholder
operator r add sub mul truediv floordiv mod pow neg pos abs eq ne lt le gt ge and_ or_ xor invert not_ truth is_ is_not concat contains
operator rc itemgetter
operator r matmul lshift rshift index iadd isub imul itruediv getitem countOf indexOf length_hint
math r sqrt exp log log2 log10 log1p expm1 sin cos tan asin acos atan atan2 sinh cosh tanh floor ceil fabs pow hypot erf erfc gamma lgamma
math r isnan isinf isfinite copysign degrees radians trunc fmod fsum factorial gcd asinh acosh atanh
math r prod comb perm lcm isqrt cbrt exp2 dist isclose frexp ldexp modf nextafter remainder ulp fma sumprod
cmath r sqrt exp log phase polar rect
statistics r mean median mode stdev variance pstdev pvariance fmean harmonic_mean geometric_mean median_low median_high median_grouped
string r capwords
# tell the time, or wait
time r time time_ns perf_counter monotonic process_time strftime gmtime localtime mktime sleep
uuid r uuid1 uuid3 uuid4 uuid5
textwrap r wrap fill dedent indent shorten
_heapq r heappush heappop heapify heapreplace heappushpop
_hashlib r openssl_md5 openssl_sha1 openssl_sha224 openssl_sha256 openssl_sha384 openssl_sha512
zlib r adler32 crc32
# of a path they read the text alone
posixpath r join basename dirname split splitext abspath normpath
ntpath r join basename dirname split splitext abspath normpath
urllib.parse r quote quote_plus quote_from_bytes urlencode urlparse urlsplit urljoin urlunparse urlunsplit urldefrag parse_qs parse_qsl
json r dumps
keyword r iskeyword
locale r strcoll strxfrm
copy r copy deepcopy
itertools rc count
itertools rcb chain islice
itertools rc repeat
itertools rcb cycle
itertools rcb compress zip_longest izip_longest
# called they may make far more than they are handed
itertools r combinations combinations_with_replacement permutations product
weakref r ref
typing r Any Union Optional List Dict Tuple Callable Type Set FrozenSet OrderedDict DefaultDict Deque Counter Iterable Iterator Sequence Mapping
typing r MutableMapping MutableSequence Hashable Sized Container Collection Literal ClassVar Generator AnyStr Text
# what a signature has where there is no default
inspect r _empty
inspect rcb _ParameterKind Parameter Signature
enum r Enum IntEnum Flag IntFlag EnumMeta EnumType StrEnum auto
__future__ rc _Feature
# what a program that ended said; the second name is the one that protocols up to 2 have for it
subprocess rnb CompletedProcess
commands rnb CompletedProcess
abc r ABC ABCMeta
numbers r Number Complex Real Rational Integral
dataclasses rcb _MISSING_TYPE _KW_ONLY_TYPE
dataclasses r field asdict astuple replace fields
dataclasses r _HAS_DEFAULT_FACTORY_CLASS MISSING
zoneinfo rcg ZoneInfo
zoneinfo rc ZoneInfo._unpickle
email.message rcb Message EmailMessage
email.header rcb Header
email.charset rcb Charset
email._policybase rcb Compat32
http.cookies rcb Morsel SimpleCookie
difflib rcb Match
xml.etree.ElementTree rcb Element
asyncio.constants rcb _SendfileMode
# values that only keep what they are filled with
calendar rnb Calendar TextCalendar HTMLCalendar
calendar rcb Day Month
csv rcb excel excel_tab unix_dialect Dialect
difflib rnb Differ SequenceMatcher
graphlib rnb TopologicalSorter _NodeInfo
statistics rnb NormalDist
textwrap rcb TextWrapper
optparse rcb Values
traceback rnb FrameSummary StackSummary TracebackException
email.mime.base rnb MIMEBase
email.mime.multipart rnb MIMEMultipart
email.mime.text rnb MIMEText
email.policy rnb EmailPolicy
xml.etree.ElementTree rnb ElementTree QName
# what an archive says of a member; opening it is the archive's
zipfile rnb ZipInfo
tarfile rnb TarInfo
# sections and texts; reading files is a method's
configparser rnb ConfigParser RawConfigParser SafeConfigParser SectionProxy ConverterMapping Interpolation BasicInterpolation ExtendedInterpolation
# what a section keeps of its parser, to read numbers with
configparser r SectionProxy.get ConfigParser.getint ConfigParser.getfloat ConfigParser.getboolean
configparser r RawConfigParser.getint RawConfigParser.getfloat RawConfigParser.getboolean
ConfigParser rnb ConfigParser RawConfigParser SafeConfigParser SectionProxy ConverterMapping Interpolation BasicInterpolation ExtendedInterpolation
# numbers with names
signal r SIGINT SIGTERM SIGKILL SIGHUP SIGQUIT SIGABRT SIGALRM SIGCHLD SIGPIPE SIGSEGV SIGUSR1 SIGUSR2 SIGBUS SIGCONT SIGFPE SIGILL SIGSTOP SIGTSTP SIGWINCH
signal r SIG_DFL SIG_IGN
socket r AF_INET AF_INET6 AF_UNIX SOCK_STREAM SOCK_DGRAM SOCK_RAW MSG_PEEK MSG_WAITALL MSG_DONTWAIT
ssl r CERT_NONE CERT_OPTIONAL CERT_REQUIRED PROTOCOL_TLS PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER
# what an error says
pickle rcb PickleError PicklingError UnpicklingError
_pickle rcb PickleError PicklingError UnpicklingError
cPickle rcb PickleError PicklingError UnpicklingError
concurrent.futures.process rcb BrokenProcessPool
concurrent.futures.thread rcb BrokenThreadPool
xmlrpc.client rcb Error Fault DateTime Binary
xmlrpclib rcb Error Fault DateTime Binary
plistlib rcb UID InvalidFileException
exceptions rcb EnvironmentError IOError
typing r Annotated Final NoReturn Never Self LiteralString
unicodedata r normalize category name
json.decoder r JSONDecoder
json.encoder rnb JSONEncoder
# values that a request or an answer consists of
http.client rnb HTTPMessage
http.cookiejar rnb Cookie
# what comes out of them depends on what goes in alone
struct r pack unpack calcsize
_struct r pack unpack calcsize
base64 r b64encode urlsafe_b64encode b32encode b16encode
binascii r hexlify b2a_hex b2a_base64 crc32
zlib r compress
html r escape
shlex r quote
calendar r isleap monthrange leapdays timegm weekday
colorsys r rgb_to_hsv hsv_to_rgb rgb_to_hls hls_to_rgb rgb_to_yiq yiq_to_rgb
difflib r get_close_matches unified_diff ndiff context_diff
fnmatch r fnmatch fnmatchcase translate
locale r atof atoi
secrets r token_hex token_bytes token_urlsafe choice randbelow
typing r NamedTuple TypedDict SupportsInt SupportsFloat SupportsIndex SupportsAbs SupportsBytes SupportsComplex SupportsRound
traceback r format_exc format_exception
_sha256 r sha224 sha256
_sha1 r sha1
_md5 r md5
# the functions of Python 2's own generator of random numbers, which have its names
random r random uniform randint choice shuffle sample gauss randrange normalvariate betavariate expovariate gammavariate
_md5 r new
select rcb error
zipfile rcb BadZipfile BadZipFile LargeZipFile
# of Python 2
sets rcb Set ImmutableSet
os rc _make_stat_result _make_statvfs_result
"""

# What the libraries' own reduce methods call, and why the call is harmless.
REBUILD = """
# builds an empty array of a given subtype, or a scalar from bytes; an object dtype carries a nested pickle the machine follows
numpy rcb ndarray dtype matrix recarray record chararray generic void
numpy.rec rcb recarray record
numpy.core.records rcb recarray record
numpy._core.records rcb recarray record
numpy.ma rcb MaskedArray
numpy.ma rcb MaskedConstant
numpy.core.multiarray rcb _reconstruct
numpy.core.multiarray rc scalar
numpy._core.multiarray rcb _reconstruct
numpy._core.multiarray rc scalar
numpy.core.numeric rc _frombuffer
numpy._core.numeric rc _frombuffer
numpy.core._internal rc _convert_to_stringdtype_kwargs
numpy._core._internal rc _convert_to_stringdtype_kwargs
numpy.ma.core rcb _mareconstruct
numpy.ma.mrecords rcb _mrreconstruct
# imports a module and takes a ufunc by name: as good as what it names
numpy.core rcg _ufunc_reconstruct
numpy._core rcg _ufunc_reconstruct
# so does scipy of one of its transforms
scipy._lib._uarray._backend rcg unpickle_function
scipy.fft._basic r fft ifft rfft irfft hfft ihfft fftn ifftn rfftn irfftn hfftn ihfftn fft2 ifft2 rfft2 irfft2 hfft2 ihfft2
scipy.fft._realtransforms r dct idct dst idst dctn idctn dstn idstn
scipy.fft._fftlog r fht ifht
scipy.fft._fftlog_multimethods r fht ifht
# filters, integrals, trees of clusters: functions that pipelines keep
scipy.signal._signaltools r detrend medfilt medfilt2d wiener hilbert hilbert2 convolve fftconvolve oaconvolve correlate decimate resample resample_poly
scipy.signal._signaltools r lfilter sosfilt filtfilt sosfiltfilt order_filter deconvolve envelope
scipy.signal.signaltools r detrend medfilt wiener hilbert convolve fftconvolve correlate decimate resample resample_poly lfilter sosfilt filtfilt sosfiltfilt
scipy.signal._savitzky_golay r savgol_filter savgol_coeffs
scipy.signal._peak_finding r find_peaks find_peaks_cwt argrelextrema argrelmax argrelmin peak_prominences peak_widths
scipy.signal._spectral_py r welch periodogram csd coherence spectrogram stft istft lombscargle
scipy.optimize._minimize r minimize minimize_scalar
scipy.optimize._minpack_py r curve_fit leastsq fsolve
scipy.optimize._zeros_py r brentq newton bisect
scipy.integrate._quadpack_py r quad dblquad
scipy.integrate._odepack_py r odeint
scipy.signal.spectral r welch periodogram csd coherence spectrogram stft istft
scipy.fftpack._basic r fft ifft rfft irfft fft2 ifft2 fftn ifftn
scipy.fftpack.basic r fft ifft rfft irfft fft2 ifft2 fftn ifftn
scipy.integrate._quadrature r simpson trapezoid cumulative_trapezoid simps trapz cumtrapz romb
scipy.cluster.hierarchy r linkage fcluster fclusterdata cophenet leaves_list ward average complete single centroid
scipy.cluster.vq r kmeans kmeans2 vq whiten
scipy.interpolate._ndgriddata r griddata
scipy.sparse._construct r hstack vstack block_diag diags eye kron bmat
numpy.core rc _DType_reconstruct
numpy._core rc _DType_reconstruct
numpy.char rcb chararray
numpy.strings r lower upper capitalize title swapcase strip lstrip rstrip replace add multiply mod center ljust rjust zfill encode decode
numpy.strings r count find rfind index rindex startswith endswith isalpha isdigit isdecimal isnumeric isspace islower isupper istitle isalnum str_len
# made and filled, never called by a pickle: scipy's discrete distributions keep one
numpy rnb vectorize
numpy.lib.function_base rnb vectorize
numpy.lib._function_base_impl rnb vectorize
numpy.random rcb __RandomState_ctor
numpy.random rcb mtrand.RandomState
numpy.random._pickle rcb __generator_ctor
numpy.random._pickle rcb __randomstate_ctor __bit_generator_ctor
numpy.random.mtrand rcb RandomState
numpy.random rcb RandomState
numpy.random.bit_generator rcb SeedSequence SeedlessSeedSequence BitGenerator
numpy.random.bit_generator rcb __pyx_unpickle_SeedSequence __pyx_unpickle_SeedlessSeedSequence
mtrand rcb __RandomState_ctor
mtrand rcb RandomState
# puts axes, blocks and cached values together
pandas._libs.internals rc _unpickle_block
pandas._libs.arrays rcb NDArrayBacked
pandas._libs.tslibs.timestamps rcb _unpickle_timestamp Timestamp
pandas._libs.tslibs.timedeltas rc _timedelta_unpickle
pandas._libs.tslibs.period rc _ordinal_from_fields period_ordinal
pandas._libs.tslibs.nattype rc __nat_unpickle _nat_unpickle
pandas._libs.tslib rc __nat_unpickle _timedelta_unpickle
pandas.tslib rc __nat_unpickle _timedelta_unpickle
pandas.tslib rcb Timestamp Timedelta NaTType
pandas._libs.missing rc _unpickle_na
pandas._libs.missing rcb NAType
pandas rcb DataFrame Series
pandas r NA NaT
pandas._libs.missing r NA
pandas._libs.tslibs.nattype r NaT
pandas.core.indexes.interval rc _new_IntervalIndex
pandas.core.frame rcb DataFrame
pandas.core.series rcb Series
pandas.core.indexes.base rc _new_Index
pandas.core.indexes.datetimelike rc _new_Index
pandas.core.indexes.datetimes rc _new_DatetimeIndex
pandas.core.indexes.period rc _new_PeriodIndex
pandas.core.indexes.timedeltas rc _new_TimedeltaIndex
pandas.core.index rc _new_Index
pandas.indexes.base rc _new_Index
pandas.tseries.index rc _new_DatetimeIndex
pandas.tseries.period rc _new_PeriodIndex
pandas.core.internals.blocks rc new_block make_block
pandas.core.internals rc make_block
pandas.core.internals rcb BlockManager SingleBlockManager
pandas.core.arrays.sparse.array rc _make_sparse
pandas.core.arrays.arrow.array rc _chunked_array
pandas._libs.sparse rcb IntIndex BlockIndex
pandas.core.sparse.array rcb SparseArray
# Arrow's own array and type rebuilders: buffers and names of Arrow types
pyarrow.lib rc _restore_array chunked_array type_for_alias py_buffer _reconstruct_record_batch _reconstruct_table
pyarrow.lib rc binary schema field scalar struct list_ large_list map_ dictionary timestamp time32 time64 duration decimal128 decimal256
pyarrow.lib rcb DataType StringType
pytz rc _UTC _p utc
pytz rc UTC FixedOffset
pytz rcb _FixedOffset
pytz.tzinfo rc unpickler
pytz.tzinfo rcb StaticTzInfo DstTzInfo
dateutil.tz.tz rcb tzutc tzlocal tzoffset tzrange tzstr
dateutil.tz rcb tzutc tzlocal tzoffset
# with None before its name it opens nothing; the machine says what else it is handed
dateutil.tz.tz rcbw tzfile
dateutil.tz rcbw tzfile
# makes an object of the class that it is handed and fills it with numbers
dateutil.tz._tzfile rcb _unpickle
dateutil.relativedelta rcb relativedelta
# the table of functions that every layer kept before torch 1.2, by name
torch.nn.backends.thnn rc _get_thnn_function_backend
# tensors over storages that the reader bounds-checks; a state only fills attributes of a tensor
torch._utils rc _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_v2
torch._utils rc _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor
torch._utils rc _rebuild_nested_tensor _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
torch._utils rc _rebuild_meta_tensor_no_storage _rebuild_xla_tensor _rebuild_mlc_tensor
torch._utils rcw _rebuild_wrapper_subclass
torch._tensor rcw _rebuild_from_type _rebuild_from_type_v2
torch.tensor rcw _rebuild_from_type
# a nested torch file in a bytes argument: expected from a pickled storage, and the reader opens the argument as a child
torch.storage rc _load_from_bytes
torch.storage rcb TypedStorage UntypedStorage _TypedStorage _UntypedStorage _LegacyStorage
torch rc device Size Tensor Generator
torch r FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage ByteStorage
torch r BoolStorage ComplexFloatStorage ComplexDoubleStorage QInt8Storage QInt32Storage QUInt8Storage QUInt4x2Storage
torch r QUInt2x4Storage UntypedStorage TypedStorage
torch.cuda r FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage ByteStorage
torch.cuda r BoolStorage ComplexFloatStorage ComplexDoubleStorage
torch rcb FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor
torch.cuda rcb FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor ByteTensor
torch._C rc _VariableFunctions
# an object of a class that torch registers natively, filled by that class
torch._C rnb ScriptObject
torch.nn.quantized.modules.dropout rnb Dropout
torch._C._fft r fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 fft_irfft2 fft_rfftn fft_irfftn
# a tensor beside its mask, or of rows of several lengths: tensors that are kept
torch.masked.maskedtensor.core rcb MaskedTensor
torch.nested._internal.nested_tensor rcb NestedTensor
torch.nested._internal.nested_tensor rc _rebuild_njt
torch._dynamo.decorators rnb _DimRange
# torch 2.9 takes its memory formats out of the package
torch._utils r torch
torch._C r _VariableFunctionsClass
torch._C rcb Generator
# what a scaler's table of optimizers begins an entry with
torch.amp.grad_scaler rc _refresh_per_optimizer_state
# whether processes train together
torchmetrics.metric r jit_distributed_available
torchvision.models.optical_flow.raft r _pass_through_h
# sets of pictures under a folder: an object is made and filled, and files are opened when somebody takes a picture out
torchvision.datasets.vision rnb VisionDataset StandardTransform
torchvision.datasets.folder rnb DatasetFolder ImageFolder
torchvision.datasets.folder r default_loader pil_loader
torchvision.datasets.fakedata rnb FakeData
torchvision.datasets.mnist rnb MNIST FashionMNIST KMNIST EMNIST QMNIST
torchvision.datasets.cifar rnb CIFAR10 CIFAR100
torchvision.datasets.svhn rnb SVHN
torchvision.datasets.stl10 rnb STL10
torchvision.datasets.celeba rnb CelebA CSV
torchvision.datasets.caltech rnb Caltech101 Caltech256
torchvision.datasets.coco rnb CocoDetection CocoCaptions
torchvision.datasets.voc rnb VOCSegmentation VOCDetection
torchvision.datasets.flowers102 rnb Flowers102
torchvision.datasets.food101 rnb Food101
torchvision.datasets.oxford_iiit_pet rnb OxfordIIITPet
torchvision.datasets.usps rnb USPS
torchvision.datasets.eurosat rnb EuroSAT
torchvision.datasets.gtsrb rnb GTSRB
torchvision.datasets.dtd rnb DTD
torchvision.datasets.omniglot rnb Omniglot
# words and their numbers, from lists and tables of them; what reads files are methods, and functions that are not here
torchtext._torchtext rnb Vocab
torchtext.vocab rnb Vocab Vectors GloVe FastText
torchtext.vocab r _default_unk_index
torchtext.vocab.vocab rnb Vocab
torchtext.vocab.vectors rnb Vectors GloVe FastText CharNGram
torchtext.legacy.vocab rnb Vocab SubwordVocab
torchtext.legacy.vocab r _default_unk_index
torchtext.data.field rnb Field LabelField NestedField RawField ReversibleField SubwordField
torchtext.data.example rnb Example
torchtext.data.dataset rnb Dataset TabularDataset
torchtext.legacy.data.field rnb Field LabelField NestedField RawField ReversibleField SubwordField
torchtext.legacy.data.example rnb Example
torchtext.legacy.data.dataset rnb Dataset TabularDataset
torchtext.data.utils r _basic_english_normalize _split_tokenizer
torchtext.transforms rnb AddToken LabelToIndex PadTransform Sequential ToTensor Truncate VocabTransform
# looks for labels in a batch
torchvision.transforms.v2._utils r _find_labels_default_heuristic
torch.nn.parameter rcb Parameter Buffer UninitializedParameter UninitializedBuffer
torch.jit._pickle rc build_intlist build_doublelist build_boollist build_tensorlist build_tensor_from_id restore_type_tag
torch.serialization rc _get_layout
torch._C rc _StorageBase
torch.backends.cudnn.rnn rcb Unserializable
torch.autograd.variable rcb Variable
torch._utils rc _set_obj_state_noop
torch.distributed._shard.sharded_tensor.metadata rcb TensorProperties
# on which of the processes a piece lies: a text and two numbers
torch.distributed.remote_device rnb _remote_device
# how a tensor lies over devices: tables of numbers and names. Filling one asks no other process
torch.distributed.device_mesh rnb DeviceMesh
torch.distributed._tensor.device_mesh rnb DeviceMesh
torch.distributed._mesh_layout rnb _MeshLayout
torch.distributed._tensor.api rnb DTensor
torch.distributed._tensor.placement_types rnb Shard Replicate Partial _Partial _StridedShard DTensorSpec TensorMeta
torch.distributed._tensor._dtensor_spec rnb DTensorSpec TensorMeta
torch.distributed.tensor rnb DTensor Shard Replicate Partial
torch.distributed.tensor._api rnb DTensor
torch.distributed.tensor._dtensor_spec rnb DTensorSpec TensorMeta
torch.distributed.tensor.placement_types rnb Shard Replicate Partial _StridedShard
# what a module that trains in several processes was wrapped with: names and numbers
torch.distributed.algorithms.join rcb _JoinConfig
# hooks that every module of Lightning keeps: they look for tensors that are spread over processes
torch.distributed._shard.sharded_tensor r state_dict_hook pre_load_state_dict_hook
pytorch_lightning.utilities.warnings rnb WarningCache
torch.distributed.fsdp.api rcb BackwardPrefetch ShardingStrategy StateDictType
torch.distributed.fsdp.api rnb CPUOffload FullOptimStateDictConfig FullStateDictConfig LocalOptimStateDictConfig LocalStateDictConfig MixedPrecision
torch.distributed.fsdp.api rnb OptimStateDictConfig ShardedOptimStateDictConfig ShardedStateDictConfig StateDictConfig
# models hold their trees, boosters and shared tables as plain buffers behind these
sklearn.tree._tree rcb Tree
# a module of sklearn's that Cython compiled without its package
_loss rcb CyLossFunction CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss CyHalfPoissonLoss
_loss rcb CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss
_loss rcb __pyx_unpickle_CyAbsoluteError __pyx_unpickle_CyExponentialLoss __pyx_unpickle_CyHalfBinomialLoss __pyx_unpickle_CyHalfGammaLoss
_loss rcb __pyx_unpickle_CyHalfMultinomialLoss __pyx_unpickle_CyHalfPoissonLoss __pyx_unpickle_CyHalfSquaredError __pyx_unpickle_CyHalfTweedieLoss
_loss rcb __pyx_unpickle_CyHalfTweedieLossIdentity __pyx_unpickle_CyHuberLoss __pyx_unpickle_CyPinballLoss
sklearn.neighbors._dist_metrics rcb newObj
sklearn.neighbors.dist_metrics rcb newObj
sklearn.neighbors._kd_tree rcb newObj
sklearn.neighbors.kd_tree rcb newObj
sklearn.neighbors._ball_tree rcb newObj
sklearn.neighbors.ball_tree rcb newObj
sklearn.metrics._dist_metrics rcb newObj
sklearn.metrics._dist_metrics rcb newObj64 newObj32
sklearn.utils.class_weight r compute_class_weight compute_sample_weight
sklearn.utils.murmurhash r murmurhash3_32
sklearn.tree._export r export_text
imblearn.metrics._classification r geometric_mean_score sensitivity_score specificity_score
nltk.sentiment.util r mark_negation
pandas.core.indexes.datetimes r date_range bdate_range
# measures that only ask whether a result is a memmap
sklearn.metrics.ranking r roc_auc_score auc
# what neighbours are found and texts are cut with
river.utils.math r minkowski_distance
river.feature_extraction.vectorize r strip_accents_unicode tokenize_using_regex_pattern
# picks the best of the last round
sklearn.model_selection._search_successive_halving r _refit_callable
hdbscan.dist_metrics rcb newObj
# what texts are cut into
nltk.util r ngrams bigrams trigrams everygrams
# reads a shape from bytes
shapely.io rc from_wkb
shapely.geometry.polygon rc _unpickle_linearring
# a tree of shapes, made anew
shapely.strtree rcb STRtree
geopandas.sindex rcb SpatialIndex PyGEOSSTRTreeIndex
# what a figure keeps of itself
matplotlib.cbook r _exception_printer
matplotlib.backend_bases r _key_handler _mouse_handler
matplotlib.axes._base rnb _process_plot_var_args
matplotlib.font_manager rnb FontProperties
# settings of batches: keeps what it is filled with; workers start with the first batch that somebody asks for
torch.utils.data.dataloader rnb DataLoader
ftfy r fix_text
# keeps what a layer hands out
fastai.callback.hook rnb Hook Hooks
fastai.callback.hook r _hook_inner
# kinds of pictures, which fastai's transforms name
fastai.vision.core r PILBase PILImage PILImageBW PILMask
# calls the function that it is handed, and puts the result in a class of tensors
fastai.torch_core rcw _rebuild_from_type
# what a learner says its model was made with
torchvision.models.resnet r resnet18 resnet34 resnet50 resnet101 resnet152
sklearn.utils._bunch rcb Bunch
sklearn.utils rcb Bunch
sklearn.datasets.base rcb Bunch
sklearn.datasets._base rcb Bunch
# a graph's views keep these two: one lets all nodes through, the other raises
networkx.classes.filters r no_filter
networkx.classes.function r frozen
# keeps what it is handed as attributes
ultralytics.utils rcb IterableSimpleNamespace
# settings: dictionaries with attributes. What reads them from a file is a method
fvcore.common.config rnb CfgNode
ml_collections.config_dict.config_dict rnb ConfigDict FrozenConfigDict
# its load() decodes what is in memory
PIL.Image rnb Image
# hand the model's bytes to the library's own reader
mxnet.ndarray.ndarray rcb NDArray
mxnet.ndarray.sparse rcb CSRNDArray RowSparseNDArray
mxnet.numpy.multiarray rcb ndarray
catboost.core rcb CatBoost CatBoostClassifier CatBoostRegressor CatBoostRanker
# their constructors open files, too, in machine code
xgboost.core rnb Booster
lightgbm.basic rnb Booster Dataset
catboost.core rnb Pool
_catboost rcb _CatBoost
joblib.numpy_pickle rcb NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper
joblib.numpy_pickle_compat rcb NDArrayWrapper ZNDArrayWrapper
sklearn.externals.joblib.numpy_pickle rcb NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper
sklearn.externals.joblib.numpy_pickle_compat rcb NDArrayWrapper ZNDArrayWrapper
dill._dill rc _create_array
dill.dill rc _create_array
# of a text, which the machine reads
dill._dill rc _eval_repr
dill.dill rc _eval_repr
# the machine lets the last of them evaluate nothing but the name of a method of a plain type
dill._dill rcg _load_type _import_module _get_attr _getattr
dill.dill rcg _load_type _import_module _get_attr _getattr
cloudpickle.cloudpickle rcg subimport
# the shape of a tree of containers
torch.utils._pytree rnb LeafSpec TreeSpec
# hold the optimizer and the schedule that they were given
accelerate.optimizer rnb AcceleratedOptimizer
accelerate.scheduler rnb AcceleratedScheduler
# how a callback prints, and what a backend of arrays compares with
xgboost.collective r communicator_print
numpy.testing._private.utils r assert_allclose assert_equal
# of one version of torch only
torch.optim._multi_tensor.adagrad rnb Adagrad
torch.optim._multi_tensor.radam rnb RAdam
timm.layers.activations r gelu gelu_tanh
monai.transforms.utils r is_positive
torchaudio.models.rnnt_decoder r _default_hypo_sort_key
x_transformers.attend r create_causal_mask
gpytorch.kernels.kernel r default_postprocess_script
monai.data.utils r no_collation
optuna.samplers._tpe.multi_objective_sampler r _default_weights_above
vit_pytorch.extractor r clone_and_detach
skorch.callbacks.logging r rename_tensorboard_key
# calls the model that the explainer beside it belongs to
captum._utils.gradient r compute_gradients
# what they count and compare with
deap.tools.support r identity
deap.tools.indicator r hypervolume
astropy.modeling.statistic r leastsquare
# a dictionary with attributes, of pairs
linearmodels.shared.utility rc _new_attr_dict_
# a partial of the kind that it is handed; a named tuple's class, or a new one when the module has none: the machine follows both
dill._dill rcg _create_ftype _create_namedtuple
dill.dill rcg _create_ftype _create_namedtuple
scipy.spatial.ckdtree rc new_object
# caches only through a store, which has a class of its own; called with a folder it is not expected
joblib.memory rnb Memory
sklearn.externals.joblib.memory rnb Memory
# a dictionary that cannot be changed
diffusers.configuration_utils rcb FrozenDict
# the machine reads what they load of their state
skorch.net rnb NeuralNet
skorch.classifier rnb NeuralNetClassifier NeuralNetBinaryClassifier
skorch.regressor rnb NeuralNetRegressor
skorch.probabilistic rnb ExactGPRegressor GPRegressor GPBinaryClassifier
# puts the graphs of a batch together
torch_geometric.loader.dataloader rnb DataLoader Collater
# a table of tensors: the thread that it may start copies them
tensordict._td rnb TensorDict
# makes an object of the class that it is handed, and fills it: the machine follows
tensordict._reductions rc _make_td
# what a quantized layer shows, and rounds its input with
torchao.quantization.quant_api r _linear_extra_repr _int8_asymm_per_token_quant _int8_symm_per_token_reduced_range_quant
torchao.quantization.quant_api r _input_quant_func_dyanmic_fp8 _input_activation_quant_func_fp8 _int8_symm_per_token_quant
# keep a running mean of weights
ema_pytorch.ema_pytorch r inplace_copy inplace_lerp
speechbrain.nnet.complex_networks.c_ops r complex_init unitary_init
speechbrain.nnet.quaternion_networks.q_ops r quaternion_init unitary_init affect_init
speechbrain.nnet.losses r mse_loss l1_loss
# a class of objects of another class, which the machine follows
torch_geometric.data.batch rcb Batch DynamicInheritanceGetter
polars.datatypes.classes rc _custom_reconstruct
polars.datatypes rc _custom_reconstruct
# kinds of numbers
jax.numpy r float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ complex64 complex128
# numpy's kinds of text under the names that they have in Python 2, where some classes also stand beside the module that shows them
numpy r string_ unicode_
numpy.matrixlib.defmatrix rcb matrix
# what is not cached, with its function
joblib.memory rnb NotMemorizedFunc
pycaret.internal.pipeline rnb Pipeline
pycaret.internal.pipeline r _fit_one _transform_one _full_transform
pycaret.internal.preprocess.transformers rnb TransformerWrapper
# keep what they are handed
bitarray._bitarray rc _bitarray_reconstructor
bitarray r bitarray frozenbitarray
immutables._map rcb Map
pyrsistent._pmap rc pmap
pyrsistent._pdeque rc pdeque
pyrsistent._plist rc plist
pyrsistent._pset rc pset
pvectorc rc pvector
# its own form of a molecule, from bytes
rdkit.Chem.rdchem rcb Mol
preshed.bloom rc unpickle_bloom
# hands out the name of its language
spacy.lang.en r _return_en
spacy.lang.de r _return_de
spacy.lang.fr r _return_fr
# looks a unit up
astropy.units.core rc _recreate_irreducible_unit
arch.univariate.recursions rcb __pyx_unpickle_GARCHUpdater __pyx_unpickle_EGARCHUpdater __pyx_unpickle_HARCHUpdater __pyx_unpickle_MIDASUpdater
# arithmetic that models keep
gplearn.functions r _protected_division _protected_sqrt _protected_log _protected_inverse _sigmoid
gplearn.fitness r _weighted_pearson _weighted_spearman _mean_absolute_error _mean_square_error _root_mean_square_error _log_loss
kmodes.util.dissim r matching_dissim euclidean_dissim jaccard_dissim_label jaccard_dissim_binary ng_dissim
datasketch.hashfunc r sha1_hash32 sha1_hash64
lmfit.lineshapes r linear gaussian lorentzian exponential powerlaw parabolic voigt pvoigt
sktime.utils.slope_and_trend r _slope
gpytorch.utils.transforms r inv_softplus inv_sigmoid
# looks at the names of a dictionary of numbers
gpytorch.means.constant_mean r _ensure_updated_strategy_flag_set
paramz.core.lists_and_dicts r intarray_default_factory
# hands out a type of Python's by its name: as good as that type
cloudpickle rcg _builtin_type
cloudpickle.cloudpickle rcg _builtin_type
cloudpickle.cloudpickle_fast rcg _builtin_type
tokenizers rcb Tokenizer AddedToken Encoding
# read the files whose paths they are made with
tokenizers.models rcbw BPE WordPiece WordLevel
tokenizers.models rcb Unigram Model
spacy.vocab rc unpickle_vocab
spacy.tokens.doc rc unpickle_doc
spacy.tokens._serialize rc unpickle_bin
# add each pattern with its callback to a new matcher, which calls none of them before it matches
spacy.matcher.matcher rc unpickle_matcher
spacy.matcher.phrasematcher rc unpickle_matcher
# msgpack into arrays of plain numbers; a table of features, from text
spacy.vectors rc unpickle_vectors
spacy.morphology rc unpickle_morphology
# keeps its arguments: rules, and methods that match
spacy.tokenizer rcb Tokenizer
# what a vocabulary looks a word's attributes up with, and what a pipeline does about errors
spacy.util r _get_attr_unless_lookup raise_error filter_chain_spans
spacy.util rcb SimpleFrozenList SimpleFrozenDict
spacy.ml.models.textcat r resize_and_set_ref
# keep the paths of a compiled model and of what a fit wrote; nothing of it is started or read before the next fit
prophet.models rnb CmdStanPyBackend
cmdstanpy.model rnb CmdStanModel
cmdstanpy.compilation rnb CompilerOptions
cmdstanpy.compiler_opts rnb CompilerOptions
cmdstanpy.cmdstan_args rnb CmdStanArgs OptimizeArgs SamplerArgs
cmdstanpy.cmdstan_args rcb Method
cmdstanpy.stanfit.mle rnb CmdStanMLE
cmdstanpy.stanfit.mcmc rnb CmdStanMCMC
cmdstanpy.stanfit.runset rnb RunSet
cmdstanpy.stanfit.metadata rnb InferenceMetadata
stanio.reshape rcb Variable VariableType
# one more loader of a table's rows, with weights; its constructor alone draws from them
fastai.tabular.core rnb TabWeightedDL
# the hook of a model that is being prepared for quantization: asks its own observer
torch.ao.quantization.quantize r _observer_forward_hook _observer_forward_pre_hook
torch.quantization.quantize r _observer_forward_hook _observer_forward_pre_hook
# counts of words and a few settings, in every home that it had
keras_preprocessing.text rnb Tokenizer
keras.preprocessing.text rnb Tokenizer
keras.src.preprocessing.text rnb Tokenizer
keras.src.legacy.preprocessing.text rnb Tokenizer
tf_keras.src.preprocessing.text rnb Tokenizer
# look a type up by its name, keep numbers, copy an array
tensorflow.python.framework.dtypes rc as_dtype
tensorflow.python.framework.tensor_shape rc TensorShape Dimension
tensorflow.python.framework.ops rc convert_to_tensor
# the layers of the first YOLOv8 models, before every group of them had a module of its own
ultralytics.nn.modules rnb Conv DWConv DWConvTranspose2d ConvTranspose DFL TransformerLayer TransformerBlock Bottleneck BottleneckCSP C3 C2 C2f C1 C3x C3TR
ultralytics.nn.modules rnb C3Ghost ChannelAttention SpatialAttention CBAM SPP SPPF Focus GhostConv GhostBottleneck Concat Proto Ensemble Detect Segment Classify
ultralytics.yolo.utils rcb IterableSimpleNamespace
# a dictionary; what reads settings from text is called later
thinc.config rnb Config
# the `compile` beside it stays unknown: hostile numbers crash it
regex._regex_core rcb RegexFlag
# hand the bytes to the library's own reader of Arrow data. Lazy frames and expressions may carry functions: they stay unknown
polars.series.series rnb Series
polars.dataframe.frame rnb DataFrame
polars.internals.series rnb Series
polars.internals.series.series rnb Series
polars.internals.frame rnb DataFrame
polars.internals.dataframe.frame rnb DataFrame
polars.schema rcb Schema
# dataclasses that a run's state is kept in; they read files in methods only
transformers.trainer_callback rnb TrainerState TrainerControl EarlyStoppingCallback PrinterCallback ProgressCallback DefaultFlowCallback
# the sides of a picture
transformers.image_utils rnb SizeDict
# what its estimators put before a table: a column of ones
econml.utilities r add_intercept
# what kind of network stands below another, an enumeration; and a loss that the models of 4.49 keep by name
transformers.utils.backbone_utils rc BackboneType
transformers.models.xglm.modeling_xglm r xglm_cross_entropy_loss
spacy.tokens._dict_proxies rcb SpanGroups
# their constructors connect processes, and read settings from files
accelerate.state rnb PartialState
transformers.training_args rnb TrainingArguments
transformers.training_args_seq2seq rnb Seq2SeqTrainingArguments
transformers.tokenization_utils_base rcb BatchEncoding
transformers.trainer_pt_utils rcb AcceleratorConfig
gensim.models.keyedvectors rcb KeyedVectors Vocab Word2VecKeyedVectors FastTextKeyedVectors EuclideanKeyedVectors
gensim.models.keyedvectors rcb CompatVocab
# construction may train on a file that it is given
gensim.models.word2vec rnb Word2Vec
gensim.models.fasttext rnb FastText
# before gensim 3.2: what they start is a method
gensim.models.wrappers.fasttext rnb FastText FastTextKeyedVectors
gensim.models.doc2vec rnb Doc2Vec
gensim.models.phrases rnb Phrases FrozenPhrases Phraser
gensim.models.coherencemodel rnb CoherenceModel
category_encoders.hashing rcb HashingEncoder
# stands in the place of methods that only a class has
gensim.utils r call_on_class_only
scipy._external.array_api_compat.numpy._aliases r asarray
scipy._lib.array_api_compat.numpy._aliases r asarray
sklearn.externals.array_api_compat.numpy._aliases r asarray
scipy.special._orthogonal rcb orthopoly1d
scipy.special.orthogonal rcb orthopoly1d
# interp1d keeps the method it chose, by its dotted name
scipy.interpolate._interpolate r interp1d._call_linear interp1d._call_linear_np interp1d._call_nearest interp1d._call_previousnext
scipy.interpolate._interpolate r interp1d._call_spline interp1d._call_nan_spline
scipy.interpolate.interpolate r interp1d._call_linear interp1d._call_linear_np interp1d._call_nearest interp1d._call_previousnext
scipy.interpolate.interpolate r interp1d._call_spline interp1d._call_nan_spline
statsmodels.base.wrapper rcb ResultsWrapper
statsmodels.tsa.deterministic rcb DeterministicProcess
# joblib names it as the kind of array that was dumped, and numpy makes and fills one as any array; calling it would create a file
numpy rb memmap
numpy.core.memmap rb memmap
# a folder's name: what is in it is read when something is computed
joblib._store_backends rnb FileSystemStoreBackend
# called with a path, it reads the settings there
accelerate.utils.dataclasses rnb DeepSpeedPlugin
# how PyTables packs what it writes, in an attribute of every group
tables.filters rnb Filters
tables.Leaf rnb Filters
# what a model of pyannote.audio says of its task
pyannote.audio.core.model rnb Introspection
pyannote.audio.core.task rnb Specifications
pyannote.audio.core.task rc Problem Resolution
# moments and spans of time: numbers, and a zone by name
arrow.arrow rcb Arrow
pendulum.datetime rcb DateTime
pendulum.date rcb Date
pendulum.time rcb Time
pendulum.duration rcb Duration AbsoluteDuration
pendulum.tz.timezone rcb FixedTimezone
pendulum.tz.timezone rc Timezone._unpickle
scipy.spatial.transform._rigid_transform rc RigidTransform.from_matrix
# parts of the compiler, whose objects live in machine code: it goes wrong with one that is made without them
torch r AliasDb AnyType Argument ArgumentSpec AwaitType Block BoolType CallStack Capsule ClassType Code CompleteArgumentSpec ComplexType
torch r ConcreteModuleType ConcreteModuleTypeBuilder DeepCopyMemoTable DeserializationStorageContext DeviceObjType DictType EnumType ErrorReport
torch r ExecutionPlan FileCheck FloatType FunctionSchema FutureType Gradient Graph IODescriptor InferredType IntType InterfaceType ListType
torch r LiteScriptModule LockingLogger Node NoneType NoopLogger NumberType OperatorInfo OptionalType PyObjectType RRefType ScriptClass
torch r ScriptClassFunction ScriptMethod ScriptModule ScriptModuleSerializer ScriptObjectProperty SerializationStorageContext StaticModule
torch r StreamObjType StringType SymBoolType SymIntType TensorType ThroughputBenchmark TracingState TupleType Type UnionType Use Value _TritonLibrary
# hold an address as a number, which they hand to machine code when they go; no library can pickle one
lightgbm.basic r _InnerPredictor
xgboost.core r DMatrix QuantileDMatrix DeviceQuantileDMatrix ExtMemQuantileDMatrix _ProxyDMatrix
# machine code that goes wrong when one is made without its constructor, as nothing in a real pickle is
scipy.spatial._qhull r _Qhull
hdbscan._hdbscan_boruvka r KDTreeBoruvkaAlgorithm BallTreeBoruvkaAlgorithm
# called with a number they take as much memory or time as it says, with a path they read the file, with a text they format it
preshed.bloom rnb BloomFilter
scipy.stats._qmc rnb Halton
scipy.stats._wilcoxon rnb WilcoxonDistribution
astropy.wcs.wcs rnb WCS
PIL.ImageFilter rnb RankFilter MedianFilter MinFilter MaxFilter ModeFilter
sklearn.utils r shuffle resample
sklearn.utils._indexing r shuffle resample
# its functions stand in the package itself from version 3 on
pandas r isna isnull notna notnull to_datetime to_numeric to_timedelta concat get_dummies merge cut qcut factorize unique melt pivot pivot_table crosstab
# puts the rows of a batch together
torch.utils.data._utils.collate r default_collate default_convert
torch.utils.data.dataloader r default_collate
# asks nobody how many processes there are when it is made and filled
torch.utils.data.distributed rnb DistributedSampler
# tuples with names that torch's functions hand back
torch.return_types rc aminmax cummax cummin eig frexp geqrf histogram histogramdd kthvalue linalg_cholesky_ex linalg_eig linalg_eigh linalg_inv_ex
torch.return_types rc linalg_ldl_factor linalg_lstsq linalg_lu linalg_lu_factor linalg_qr linalg_slogdet linalg_solve_ex linalg_svd lstsq lu_unpack
torch.return_types rc max median min mode nanmedian qr slogdet sort svd symeig topk triangular_solve
torch.amp.autocast_mode rnb autocast
torch.autograd.grad_mode rnb no_grad enable_grad
sentence_transformers.training_args rc BatchSamplers MultiDatasetBatchSamplers
# columns and their types; a table may name a file, which it removes: its class stays unknown
datasets.features.features rcb Features
datasets.features.features rnb Value ClassLabel Sequence List LargeList Array2D Array3D Array4D Array5D
datasets.features.image rnb Image
datasets.features.audio rnb Audio
datasets.info rnb DatasetInfo
datasets.splits rnb NamedSplit SplitInfo SplitDict
# calls what it is handed: the machine follows
jax._src.array rc _reconstruct_array
# the shape of a tree, without its leaves: classes of its own are looked up among the registered ones (jaxlib 0.12)
jaxlib._jax.pytree rnb PyTreeDef
jax._src.tree_util r default_registry
# an array and the name of its type (paddlepaddle 3.3)
paddle.base.dygraph.math_op_patch rc _rebuild_tensor
ml_dtypes r bfloat16 float8_e4m3fn float8_e5m2 int4 uint4
"""


def tokens(text):
    """The rows of a written-down table as (module, name, use)."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            module, use, *names = line.split()
            for name in names:
                yield module, name, use


def code_of(function):
    # What remembers its results stands in front of the function.
    function = getattr(function, "__func__", function)
    return getattr(getattr(function, "__wrapped__", function), "__code__", None) or getattr(function, "__code__", None)


def instructions(code):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            for found in instructions(constant):
                yield found
    for found in dis.get_instructions(code):
        yield found


STDLIB_NAMES = set(getattr(sys, "stdlib_module_names", ())) | set(sys.builtin_module_names) | set(
    info.name for info in pkgutil.iter_modules([os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")]))

FILES = {}


def parameters_called(filename):
    """For every function of a source file, by first line: a parameter that is called as a function."""
    if filename not in FILES:
        FILES[filename] = found = {}
        try:
            with open(filename, encoding="utf-8") as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            return found
        for definition in ast.walk(tree):
            if not isinstance(definition, ast.FunctionDef):
                continue
            # The first parameter is self or cls: calling it constructs a type that must itself be expected.
            params = set(a.arg for a in definition.args.args[1:] + definition.args.kwonlyargs)
            for node in ast.walk(definition):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in params:
                    # The byte code counts decorators to the function, the tree does not.
                    for start in [definition] + definition.decorator_list:
                        found[start.lineno] = node.func.id
    return FILES[filename]


UFUNC_MODULES = re.compile(r"(numpy|numpy\._?core(\.umath|\._multiarray_umath|\.numeric)?|scipy\.special(\._\w+)?)$")

STEPS = {}


def steps(code):
    """The names a function loads, with its nested functions: (operation, name) pairs."""
    if code not in STEPS:
        found, before = set(), None
        for s in instructions(code):
            if isinstance(s.argval, str):
                # A list has a `remove`, too.
                found.add((s.opname, "os." + s.argval if before == "os" and s.argval in OS_WRITES else s.argval))
            before = s.argval
        STEPS[code] = sorted(found)
    return STEPS[code]


def attribute(cls, name):
    """What a class holds under a name, without running anything."""
    for base in cls.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def taint(function, owner, depth, seen):
    """Why a function may not run while a pickle loads, or None."""
    code = code_of(function)
    if code is None or code in seen:
        return None
    seen.add(code)
    space = getattr(getattr(function, "__func__", function), "__globals__", {})
    top = space.get("__name__", "").split(".")[0]
    if top in ("abc", "typing", "enum", "dataclasses", "collections", "warnings", "inspect", "functools", "re"):
        return None
    # Deeper down it is the caller, library code, that chooses what is passed. A neural-network layer is built from other
    # layers' classes, which must be expected to be named at all.
    layer = owner and any(b.__name__ == "Module" and b.__module__.startswith("torch.nn") for b in owner.__mro__)
    argument = parameters_called(code.co_filename).get(code.co_firstlineno)
    if argument and depth == 2 and not layer:
        return "calls its argument " + argument
    for operation, name in steps(code):
        if operation == "IMPORT_NAME" and name in BAD_IMPORTS:
            return "imports " + name
        if operation == "IMPORT_FROM" and name in BAD_ATTRS:
            return name
        if operation in ("LOAD_GLOBAL", "LOAD_NAME"):
            if name in BAD_GLOBALS and name not in space or name in BAD_ATTRS:
                return name
            target = space.get(name)
            if isinstance(target, types.ModuleType) and target.__name__ in BAD_IMPORTS:
                return "uses " + name
            if name == "import_optional_dependency":
                continue  # pandas' helper for imports of fixed names
            if depth and isinstance(target, types.FunctionType) and (target.__module__ or "").split(".")[0] == top:
                why = taint(target, None, depth - 1, seen)
                if why:
                    return name + " > " + why
        elif operation in ("LOAD_ATTR", "LOAD_METHOD"):
            if name in BAD_ATTRS:
                return name
            if name in ("_cdf", "_pdf", "_ppf") and owner and owner.__module__.startswith("scipy.stats."):
                continue  # wrapped while a distribution is made, not called
            target = owner and attribute(owner, name)
            if depth and isinstance(target, types.FunctionType):
                why = taint(target, owner, depth - 1, seen)
                if why:
                    return "self." + name + " > " + why
    return None


def native(base, name, method):
    """Whether what loading runs of a class is machine code that nobody looked at."""
    top = (base.__module__ or "").split(".")[0]
    return name in ("__new__", "__init__", "__setstate__") and code_of(method) is None and top not in NATIVE \
        and top not in STDLIB_NAMES and not base.__flags__ & 1 << 9


def methods_taint(cls, names):
    for base in cls.__mro__:
        for name in names:
            method = vars(base).get(name)
            if method is not None:
                why = "machine code" if native(base, name, method) else taint(method, cls, 2, set())
                if why:
                    return "%s.%s: %s" % (base.__name__, name, why)
    return None


def made_taint(cls):
    """Why NEWOBJ may not make, and BUILD may not fill, an object of a class, or None."""
    why = methods_taint(cls, RUN_ON_LOAD)
    if why:
        return why
    # BUILD sets slots with setattr, which runs what a property sets.
    for base in cls.__mro__:
        for name, thing in list(vars(base).items()):
            if isinstance(thing, property) and thing.fset is not None:
                why = taint(thing.fset, cls, 1, set())
                if why:
                    return "%s.%s (set): %s" % (base.__name__, name, why)
    return None


def class_taint(cls):
    """Why a class may not be called, beyond what making one runs, or None."""
    why = methods_taint(cls, ("__init__",))
    if why:
        return why
    call = vars(type(cls)).get("__call__")
    if call is not None and type(cls) is not type:
        why = taint(call, None, 1, set())
        if why:
            return "metaclass: " + why
    return None


def resolves(module, name, thing):
    """Whether the unpickler would reach this very object under this name."""
    found = sys.modules.get(module)
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:
        return False
    return found is thing


def walk(package):
    """Import the modules of one package that are worth walking; return their names."""
    try:
        top = importlib.import_module(package)
    except BaseException:
        return
    only = PACKAGES.get(package, [])
    queue = [(package, getattr(top, "__path__", []))]
    while queue:
        parent, path = queue.pop()
        for info in sorted(pkgutil.iter_modules(path), key=lambda i: i.name):
            name = parent + "." + info.name
            if set(name.split(".")[1:]) & SKIP_PARTS and name not in KEEP_MODULES:
                if not any(k.startswith(name + ".") for k in KEEP_MODULES):
                    continue
            if only is not None and not any(
                    (name + ".").startswith(p + ".") or (p + ".").startswith(name + ".") for p in only):
                continue
            try:
                module = importlib.import_module(name)
            except BaseException:
                continue
            queue.append((name, getattr(module, "__path__", []) if info.ispkg else []))


def wanted(module):
    only = PACKAGES.get(module.split(".")[0], ())
    parts = set(module.split(".")[1:])
    if module in SKIP_MODULES or parts & SKIP_PARTS and module not in KEEP_MODULES or any(part.startswith("dummy_") for part in parts):
        return False
    return only is None or "." not in module or any((module + ".").startswith(p + ".") for p in only)


# Names that a model library re-exports although they drive code; and test scaffolding inside ordinary modules.
NOT_A_VALUE = re.compile(r"Test(Case|er|Suite)?$|^Mock|^_?Lazy|Importer|Pickler|Compiler|Loader$|Downloader|Server|Client|Thread"
                         r"|(?<!Gaussian)Process(?!or|ing)|Executor|Memory$|MemorizedFunc|Parallel$|Callback(?!List)|Dispatch|Proxy$|Hook$|Writer|Reader"
                         r"|Deprecat|^registry$|^tqdm$|^Promise$|NoseWrapper|MessageStream|^_temp_file$|^ODR$|^vectorize$|DataSource|NpzFile|^memmap$|^nditer$|Delayed|Tracer|^flatiter$|OpOverload")
NOT_A_VALUE_EXCEPT = set("DataParallel DistributedDataParallel RemovableHandle MultiProcessAdapter Callback DeterministicProcess ArmaProcess _WrappedHook "
                         "SpectralNormStateDictHook SpectralNormLoadStateDictPreHook LazyRandomState DeprecationDict _DictWithDeprecatedKeys ParamServer "
                         "TrainEvalCallback ProgressCallback TrackerCallback EarlyStoppingCallback SaveModelCallback RNNCallback HookCallback TypeDispatch "
                         "DataLoader _FakeLoader TabDataLoader LMDataLoader ColReader CallbackContainer".split())

# Modules named alike in which every class, own or imported, may be made and filled: (a module's name, the ending of a class's name,
# uses), the narrower module later. The probe reads them all, in every environment that has them; what does not fit gets a row of its own.
FAMILIES = (
    ("transformers.models.*.configuration_*", "", "rnb"),
    ("transformers.models.*.feature_extraction_*", "", "rnb"),
    ("transformers.models.*.image_processing_*", "", "rnb"),
    ("transformers.models.*.modeling_*", "Output", "rcb"),
    ("transformers.models.*.modeling_*", "", "rnb"),
    ("transformers.models.*.modeling_flax_*", "", "r"),
    ("transformers.models.*.modeling_tf_*", "", "r"),
    ("transformers.models.*.processing_*", "", "rnb"),
    ("transformers.models.*.tokenization_*", "", "rnb"),
    ("transformers.models.*.video_processing_*", "", "rnb"),
    ("transformers.pipelines.*", "Pipeline", "rnb"),
)
# Functions that every model of a family keeps under the same name: arithmetic, in each of 140 models that were read.
FAMILY_FUNCTIONS = tuple(
    ("transformers.models.*.modeling_*", name, "r")
    for name in ("apply_rotary_pos_emb", "torch_causal_conv1d_update", "torch_chunk_gated_delta_rule", "torch_recurrent_gated_delta_rule")
)
CLASS_NAME = re.compile("[A-Z][A-Za-z0-9]*$")
WHOLE_NAME = re.compile("_*[A-Z][A-Za-z0-9_]*$")


def family(module, name):
    """What the narrowest family of a module allows a class, and which family it is."""
    fitting = [f for f in FAMILIES if re.match(f[0].replace(".", "[.]").replace("*", "[a-zA-Z0-9_]*") + "$", module)]
    if not fitting or not CLASS_NAME.match(name):
        return None, None
    return next(((uses, family) for family, end, uses in fitting if family == fitting[-1][0] and name.endswith(end)), (None, None))


def collect_misfits(package, entries, dropped):
    """What of the families' modules, own or imported, may not be made and filled, or not called, although its name says so."""
    for module_name, module in sorted(sys.modules.items(), key=lambda kv: kv[0]):
        if module is None or module_name.split(".")[0] != package:
            continue
        for name, thing in list(vars(module).items()):
            uses, _ = family(module_name, name)
            if not isinstance(thing, type) or issubclass(thing, enum.Enum) or not uses or uses == "r":
                continue
            why = made_taint(thing)
            late = "c" in uses and class_taint(thing)
            if why or late:
                entries[(module_name, name)] = ("r" if why else "rnb", "misfit")
                dropped[(module_name, name)] = why or late


# What is made for tests, or set up and built with, belongs to no family, here and in known.rs.
NOT_READ = set("tests test testing _testing conftest setup __main__ benchmarks examples _build_utils docs cli".split())


def dangerous():
    with open(DANGEROUS) as rows:
        return set(tuple(row.split("\t")[:2]) for row in rows)


def collect_whole(package, entries, dropped):
    """What of a package that is read whole may not be made and filled: classes, own or imported, and modules that could not be read.

    Returns what may: classes of the package's own.
    """
    made = {}
    try:
        queue = [(package, importlib.import_module(package).__path__)]
    except BaseException:
        return made
    entries[(package + ".**", "*")] = ("rnb", "whole")
    while queue:
        parent, path = queue.pop()
        for info in sorted(pkgutil.iter_modules(path), key=lambda i: i.name):
            name = parent + "." + info.name
            if info.name in NOT_READ:
                continue
            try:
                signal.alarm(20)
                module = importlib.import_module(name)
                queue.append((name, getattr(module, "__path__", []) if info.ispkg else []))
                entries[(name + ".**", "*")] = ("rnb", "whole")
            except BaseException as why:
                entries[(name + ".**", "*")] = ("r", "unread")
                dropped[(name + ".**", "*")] = type(why).__name__
            finally:
                signal.alarm(0)
    forbidden = dangerous()
    for module_name, module in sorted(sys.modules.items(), key=lambda kv: kv[0]):
        if module is None or module_name.split(".")[0] != package:
            continue
        for name, thing in list(getattr(module, "__dict__", {}).items()):
            if str(name).startswith("__pyx_unpickle_") and resolves(module_name, name, thing):
                entries[(module_name, name)] = ("rcb", "cython")
            if not isinstance(thing, type) or not isinstance(name, str):
                continue
            home = str(thing.__module__)
            own = home == module_name and name == thing.__name__
            if not WHOLE_NAME.match(name):
                # A class named as functions are: the package's row is not for it, and one that did not fit has none.
                apart = set(home.split(".")) & (NOT_READ | SKIP_PARTS) or hasattr(thing, "__get__") or hasattr(thing, "__enter__")
                if own and not apart and not issubclass(thing, (type, enum.Enum)) and re.match(r"[A-Za-z_]\w*$", name) and not made_taint(thing):
                    entries.setdefault((home, name), ("rnb", "whole"))
                continue
            if issubclass(thing, enum.Enum):
                if own:
                    entries.setdefault((home, name), ("rcb", "enum"))
                continue
            why = made_taint(thing)
            if issubclass(thing, type) or home.split(".")[0] == "types":
                why = "makes classes, or functions"
            elif home.split(".")[0] != package and ((home, thing.__name__) in forbidden or (home, "*") in forbidden):
                why = "dangerous where it comes from"
            if why:
                entries[(module_name, name)] = ("r", "misfit")
                dropped[(module_name, name)] = why
            elif own:
                made[(home, name)] = ("rnb", "whole")
                # What pickle writes for these is a call.
                called = thing.__reduce__ is not object.__reduce__ or thing.__reduce_ex__ is not object.__reduce_ex__
                if called and not issubclass(thing, BaseException) and not class_taint(thing):
                    entries[(home, name)] = ("rcb", "reduced")
    return made


# The transformers package has hundreds of model families in three frameworks: what people pickle of them is settings,
# tokenizers and torch modules.
TRANSFORMERS_KEEP = re.compile(r"\.(quant_modules|vision)$|\.(configuration|tokenization|modeling|image_processing|feature_extraction|processing)_\w+$"
                               r"|transformers\.(?!models\.)")
TRANSFORMERS_SKIP = re.compile(r"\.(modeling_(tf|flax)_\w+|modular_\w+|convert_\w+)$")


def collect_package(package, entries, dropped):
    walk(package)
    for module_name, module in sorted(sys.modules.items(), key=lambda kv: kv[0]):
        if module is None or module_name.split(".")[0] != package or not wanted(module_name):
            continue
        try:
            things = list(vars(module).items())
        except Exception:
            continue
        for public, thing in things:
            if isinstance(thing, type):
                add_class(package, thing, entries, dropped, 0)
            elif isinstance(thing, types.FunctionType) or type(thing).__name__ in (
                    "builtin_function_or_method", "_ArrayFunctionDispatcher", "cython_function_or_method",
                    "fused_cython_function"):
                add_function(package, public, module_name, thing, entries)
            elif type(thing).__name__ in ("ufunc", "MultiUFunc") and not public.startswith("__"):
                # A ufunc has no module of its own: pickle writes the first loaded module that holds it.
                if UFUNC_MODULES.match(module_name):
                    entries[(module_name, public)] = ("r", "ufunc")
            elif type(thing).__name__ in ("dtype", "layout", "memory_format", "qscheme") and package == "torch":
                entries[("torch", str(thing).split(".")[-1])] = ("r", "constant")


# Classes that do evaluate text: rules of their own judge what they are handed and filled with.
RULED = {"sympy": "text", "statsmodels.base.data": "formula"}


def add_class(package, cls, entries, dropped, depth):
    module, name = getattr(cls, "__module__", None), getattr(cls, "__qualname__", cls.__name__)
    if not isinstance(module, str) or module.split(".")[0] != package or "<" in name:
        return
    if (module, name) in entries or (module, name) in dropped:
        return
    if not wanted(module) or not resolves(module, name, cls):
        return
    if module in VALUES and not (issubclass(cls, (enum.Enum, tuple)) or hasattr(cls, "__dataclass_fields__")):
        return
    if package == "transformers" and (not TRANSFORMERS_KEEP.search(module) or TRANSFORMERS_SKIP.search(module)):
        return
    # A layer whose sizes the first batch decides.
    lazy_layer = name.startswith("Lazy") and module.startswith("torch.nn.modules.")
    if NOT_A_VALUE.search(name) and name not in NOT_A_VALUE_EXCEPT and not lazy_layer and not issubclass(cls, (Exception, enum.Enum)):
        dropped[(module, name)] = "name"
        return
    # The objects of a TypedDict are plain dictionaries.
    if issubclass(cls, type) or "Protocol" in [b.__name__ for b in cls.__bases__] or hasattr(cls, "__total__") and issubclass(cls, dict):
        return
    plain = issubclass(cls, enum.Enum)
    why = None if plain else made_taint(cls)
    late = None if plain else class_taint(cls)
    if why and re.search("argparser(_methods)? > exec_?$", why):
        # scipy's distributions execute a template kept in their state, which is judged by a rule of its own.
        entries[(module, name)] = ("rnb", "template")
    elif why:
        dropped[(module, name)] = why
    elif late:
        dropped[(module, name)] = late
        entries[(module, name)] = ("rnb", "state")
    else:
        entries[(module, name)] = ("rcb", RULED.get(module) or RULED.get(package) or ("enum" if plain else "class"))
    if depth < 2:
        for inner in list(vars(cls).values()):
            if isinstance(inner, type):
                add_class(package, inner, entries, dropped, depth + 1)


def add_function(package, public, found_in, function, entries):
    module, name = getattr(function, "__module__", None) or found_in, getattr(function, "__qualname__", public)
    if not isinstance(module, str) or module.split(".")[0] != package or "<" in str(name) or "." in str(name):
        return
    if name.startswith("__pyx_unpickle_") and resolves(module, name, function):
        # Cython writes these: they make an empty instance of the class they are handed and fill its fields.
        entries[(module, name)] = ("rcb", "cython")
        return
    if module == "numpy" and found_in != "numpy" and not resolves("numpy", name, function):
        return
    if module in SKIP_MODULES or not REFERENCE_MODULES.match(module) or BAD_FUNCTION.search(name) or name.startswith("__"):
        return
    why = taint(function, None, 2, set())
    # A layer's functions call the model that they belong to, long after it was loaded.
    if resolves(module, name, function) and (not why or why.startswith("calls its argument") and LAYER_MODULES.match(module)):
        entries.setdefault((module, name), ("r", "function"))


# Importing one of these does something by itself, or drags in a desktop or a test suite.
STDLIB_SKIP = set("""
    antigravity this idlelib test turtle turtledemo tkinter lib2to3 distutils ensurepip pip venv __main__ site msilib
    winreg _winapi curses readline pydoc_data sre_compile
""".split())


def collect_stdlib(entries):
    """Exceptions, enumerations and named tuples of the standard library: values only."""
    # Python 3.6 to 3.9 do not list their own modules; the folder of this one does.
    folder = os.path.dirname(os.__file__)
    names = set(getattr(sys, "stdlib_module_names", ())) | set(sys.builtin_module_names)
    names |= {i.name for i in pkgutil.iter_modules([folder, os.path.join(folder, "lib-dynload")])}
    more = []
    for name in sorted(names - STDLIB_SKIP):
        if name.startswith("_test") or name.startswith("_xx"):
            continue
        try:
            module = importlib.import_module(name)
        except BaseException:
            continue
        more.append(name)
    for name in "concurrent.futures._base email.errors urllib.error urllib.parse xml.etree.ElementTree xml.parsers.expat http " \
                "http.client json.decoder importlib.metadata asyncio.exceptions unittest.case xml.sax multiprocessing.context".split():
        try:
            importlib.import_module(name)
            more.append(name)
        except BaseException:
            continue
    for name in more:
        for thing in list(vars(sys.modules[name]).values()):
            if not isinstance(thing, type) or "." in thing.__qualname__:
                continue
            module = thing.__module__
            if not isinstance(module, str) or not resolves(module, thing.__qualname__, thing):
                continue
            if module.split(".")[0] not in names or module.split(".")[0] in STDLIB_SKIP:
                continue
            value = issubclass(thing, BaseException) or issubclass(thing, enum.Enum) \
                or issubclass(thing, tuple) and (hasattr(thing, "_fields") or hasattr(thing, "n_sequence_fields"))
            if value and thing.__qualname__ not in ("Enum", "IntEnum", "Flag", "IntFlag", "StrEnum") \
                    and not (not issubclass(thing, enum.Enum) and (made_taint(thing) or class_taint(thing))):
                entries.setdefault((module, thing.__qualname__), ("rcb", "enum" if issubclass(thing, enum.Enum) else "class"))


def collect_pandas_moves(entries):
    """pandas keeps a table of where its classes used to live: those names are in old files."""
    try:
        from pandas.compat import pickle_compat
    except Exception:
        return
    for old, new in getattr(pickle_compat, "_class_locations_map", {}).items():
        known = dict(((m, n), u) for m, n, u in tokens(REBUILD))
        use = entries.get(new, (None,))[0] or known.get(new) or ("rcb" if new[1][:1].isupper() else "rc")
        if old[0].split(".")[0] == "pandas":
            entries.setdefault(old, (use, "moved"))


# What hostile arguments look like: code, a path, an address, a module. Nothing of it exists.
CANARIES = ("__import__('canary_of_collect').run()", "/tmp/canary_of_collect/file.json", "http://127.0.0.1:9/canary_of_collect", "canary_of_collect.thing")
# Events of the interpreter that matter when they carry such an argument, and those that matter always.
TOUCHES = set("""
    exec import open os.listdir os.scandir os.mkdir os.remove os.rename os.chdir os.putenv ctypes.dlopen socket.connect socket.getaddrinfo glob.glob
    sqlite3.connect urllib.Request pickle.find_class marshal.loads
""".split())
ACTS = re.compile(r"os\.(system|exec|posix_spawn|fork|spawn|kill)|shutil\.|tempfile\.|socket\.bind")


class Every(dict):
    """A state that has every key, and the same under all of them but one."""

    def __init__(self, value, asked, key=None):
        dict.__init__(self)
        self.value, self.asked, self.key = value, asked, key

    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        self.asked.add(key)
        return self.value if self.key in (None, key) else {}

    get = pop = lambda self, key, default=None: self[key]


def hostile_calls(thing):
    for value in CANARIES:
        for count in range(1, 5):
            yield (value,) * count, {}
        for fill in (None, 1, {}, []):
            for before in range(1, 4):
                yield (fill,) * before + (value,), {}
        for nested in ([value], (value, value), {value: value}, {"a": value}):
            yield (nested,), {}
    try:
        parameters = [p for p in inspect.signature(thing).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    except (TypeError, ValueError):
        return
    needed = {p.name: 1 for p in parameters if p.default is p.empty}
    for value in CANARIES:
        for parameter in parameters[:80]:
            yield (), dict(needed, **{parameter.name: value})


def hostile_states(thing):
    """Functions that fill an object of a class."""
    if not hasattr(thing, "__setstate__"):
        return
    for value in CANARIES:
        asked = set()
        yield lambda: thing.__new__(thing).__setstate__(Every(value, asked))
        for key in list(asked):
            yield lambda: thing.__new__(thing).__setstate__(Every(value, asked, key))
        yield lambda: thing.__new__(thing).__setstate__(value)
        yield lambda: thing.__new__(thing).__setstate__((value, value, value))


def late(*_):
    raise TimeoutError("too slow")


class Attempts:
    """Calls what a pickle may call, under a hook that refuses what would act on the machine."""

    def __init__(self):
        self.armed, self.event = False, None
        sys.addaudithook(self.hook)
        signal.signal(signal.SIGALRM, late)

    def carries(self, thing, depth=0):
        if isinstance(thing, types.CodeType):
            return self.carries(thing.co_consts + thing.co_names + (thing.co_filename,))
        if isinstance(thing, (tuple, list)):
            return depth < 3 and any(self.carries(inner, depth + 1) for inner in thing)
        return "canary_of_collect" in (thing.decode("latin-1") if isinstance(thing, bytes) else thing if isinstance(thing, str) else "")

    def hook(self, event, args):
        if self.armed and (ACTS.match(event) or event in TOUCHES and self.carries(list(args))):
            self.event = event
            raise PermissionError(event)

    def acts(self, function, *args, **kwargs):
        self.event, self.armed = None, True
        signal.setitimer(signal.ITIMER_REAL, 2)
        try:
            function(*args, **kwargs)
        except BaseException:
            pass
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        return self.event

    def what(self, thing, use):
        """What of a row acts on the machine: "call", "new" or "build"."""
        limit = time.time() + 6
        if "c" in use and any(self.acts(thing, *args, **kwargs) for args, kwargs in hostile_calls(thing) if time.time() < limit):
            yield "call"
        if not isinstance(thing, type):
            return
        limit = time.time() + 4
        if any(self.acts(thing.__new__, thing, *args) for args, kwargs in hostile_calls(object) if not kwargs and time.time() < limit):
            yield "new"
        if "b" in use and any(self.acts(fill) for fill in hostile_states(thing)):
            yield "build"


def attempt(entries, out):
    """The rows that act, one process a package: hostile arguments may crash machine code."""
    if sys.version_info < (3, 8):
        return
    packages = {}
    for (module, name), (use, reason) in entries.items():
        if reason == "class" and made_only(module):
            use = use.replace("c", "n")
        if reason not in ("template", "formula", "text", "enum") and set(use) & set("cnb"):
            packages.setdefault(module.split(".")[0], []).append((module, name, use))
    for package, rows in sorted(packages.items()):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            if stream != out.fileno():
                os.dup2(null, stream)
        attempts = Attempts()
        for module, name, use in rows:
            try:
                thing = importlib.import_module(module)
                for part in name.split("."):
                    thing = getattr(thing, part)
            except BaseException:
                continue
            for what in attempts.what(thing, use):
                out.write("\t".join(("A", module, name, what)) + "\n")
                out.flush()
        os._exit(0)


def attempt_rows(answer):
    """[`attempt`] for what a probe of this interpreter printed before."""
    out = os.fdopen(os.dup(1), "w")
    with open(answer) as lines:
        rows = [line.rstrip("\n").split("\t")[1:] for line in lines if line.startswith("E\t")]
    attempt({(module, name): (use, reason) for module, name, use, reason in rows}, out)


def probe(*packages):
    warnings.simplefilter("ignore")
    out, sys.stdout = os.fdopen(os.dup(1), "w"), open(os.devnull, "w")
    os.environ.update(TOKENIZERS_PARALLELISM="false", USE_TF="0", KERAS_BACKEND="torch", CUDA_VISIBLE_DEVICES="")
    signal.signal(signal.SIGALRM, late)
    entries, dropped = {}, {}
    packages = packages or list(PACKAGES) + sorted(WHOLE - set(PACKAGES))
    out.write("V\tpython\t%d.%d.%d\n" % sys.version_info[:3])
    for package in packages:
        collect_package(package, entries, dropped)
        out.write("\t".join(("V", package, str(getattr(sys.modules.get(package), "__version__", "-")))) + "\n")
    collect_pandas_moves(entries)
    collect_stdlib(entries)
    for package in packages:
        collect_misfits(package, entries, dropped)
    made = {}
    for package in packages:
        if package in WHOLE:
            made.update(collect_whole(package, entries, dropped))
    for (module, name), (use, reason) in entries.items():
        out.write("\t".join(("E", module, name, use, reason)) + "\n")
    for (module, name), why in dropped.items():
        out.write("\t".join(("D", module, name, why)) + "\n")
    out.flush()
    made.update(entries)
    attempt(made, out)
    out.flush()
    os._exit(0)  # some libraries start threads that would keep the probe alive


TWINS = (
    ("numpy.core", "numpy._core"), ("numpy._core", "numpy.core"),
    ("pytorch_lightning", "lightning.pytorch"), ("lightning_fabric", "lightning.fabric"),
)


def twin(module):
    """The other place of a package that moved: a file written by either side names its own."""
    for here, there in TWINS:
        if (module + ".").startswith(here + "."):
            return there + module[len(here):]
    return None


# Where pandas kept its classes before any version that can still be installed here: (a module's beginning, the old homes).
PANDAS_HOMES = (
    ("pandas.core.indexes.", ("pandas.core.index", "pandas.indexes.{0}", "pandas.tseries.{0}", "pandas.tseries.index")),
    ("pandas.core.internals.", ("pandas.core.internals",)),
    ("pandas.core.dtypes.", ("pandas.types.{0}", "pandas.core.{0}")),
    ("pandas.core.arrays.", ("pandas.core.{0}",)),
    ("pandas._libs.tslibs.", ("pandas._libs.tslib", "pandas.tslib")),
)


def old_homes(module, use):
    """Older places of a class. Functions moved too freely to guess: those are written down one by one."""
    for start, homes in PANDAS_HOMES:
        if use == "rcb" and module.startswith(start) and "." not in module[len(start):]:
            for home in homes:
                yield home.format(module[len(start):])


def least(one, other):
    """What two versions allow both."""
    both = [set(uses.replace("c", "cn")) for uses in (one, other)]
    shared = both[0] & both[1]
    # A call allows what NEWOBJ does: the letter says so already.
    return "".join(letter for letter in "rcnbwg" if letter in shared and not (letter == "n" and "c" in shared))


def common_prefix(names):
    """The beginning that is worth writing once: `Bert` of BertModel, BertLayer, …"""
    counts = {}
    for name in names:
        parts = re.findall("[A-Z][a-z0-9]*|[a-z0-9_]+", name)
        for end in range(1, len(parts)):
            start = "".join(parts[:end])
            counts[start] = counts.get(start, 0) + 1
    saved, start = max([((n - 1) * len(start), start) for start, n in counts.items()] or [(0, "")])
    return start if saved > 8 else ""


def write(out, modules):
    """The table in its own shape: it travels inside the page, so what repeats is written once.

    `@` begins a module, a dot after it for every part shared with the module before; behind a space the beginning that `~`
    stands for. Names follow, one a line, of the uses `rcb` until a line with `:` says others.
    """
    before = []
    with open(out, "w") as file:
        for module in sorted(modules):
            parts = module.split(".")
            shared = 0
            while shared < min(len(before), len(parts)) and before[shared] == parts[shared]:
                shared += 1
            start = common_prefix([name for _, name in modules[module]])
            file.write("@%s%s\n" % ("." * shared + ".".join(parts[shared:]), " " + start if start else ""))
            before, uses = parts, "rcb"
            for use, name in sorted(modules[module], key=lambda row: (row[0] != "rcb", row)):
                if use != uses:
                    file.write(":%s\n" % use)
                    uses = use
                file.write("%s\n" % ("~" + name[len(start):] if start and name.startswith(start) and name != start else name))


HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED, DANGEROUS, ORIGINS, LIBRARIES = (os.path.join(HERE, name + ".txt") for name in ("expected", "dangerous", "origins", "libraries"))


class Origins:
    """What the environments said: `env` lines with their versions, then for each `module` lines of uses, reason, environments, names."""

    def __init__(self):
        self.versions, self.rows, self.acts = {}, {}, {}
        if not os.path.exists(ORIGINS):
            return
        with open(ORIGINS) as file:
            for line in file:
                kind, _, rest = line.rstrip("\n").partition(" ")
                if kind == "env":
                    name, _, self.versions[name] = rest.partition(" ")
                elif kind == "module":
                    module = rest
                elif kind != "#":
                    what, envs, *names = rest.split(" ")
                    rows = self.acts if kind == "acts" else self.rows
                    for name in names:
                        rows.setdefault((module, name), {})[(kind, what)] = set(envs.split(","))

    def replace(self, env, answer):
        """Takes the answer of one environment's run for its earlier one."""
        for rows in (self.rows, self.acts):
            for key, said in list(rows.items()):
                for what, envs in list(said.items()):
                    envs.discard(env)
                    if not envs:
                        del said[what]
                if not said:
                    del rows[key]
        versions = []
        for line in answer.splitlines():
            kind, *fields = line.split("\t")
            if kind == "V" and fields[1] != "-":
                versions.append(" ".join(fields))
            elif kind == "E":
                module, name, use, reason = fields
                self.rows.setdefault((module, name), {}).setdefault((use, reason), set()).add(env)
            elif kind == "A":
                module, name, what = fields
                self.acts.setdefault((module, name), {}).setdefault(("acts", what), set()).add(env)
        self.versions[env] = " ".join(versions)

    def write(self):
        with open(ORIGINS, "w") as file:
            file.write("# Written by collect.py: in which environments each row of expected.txt was seen, and why it is there.\n")
            for env, versions in sorted(self.versions.items()):
                file.write("env %s %s\n" % (env, versions))
            modules = {}
            for rows in (self.rows, self.acts):
                for (module, name), said in rows.items():
                    for what, envs in said.items():
                        modules.setdefault(module, {}).setdefault((what, ",".join(sorted(envs))), []).append(name)
            for module, groups in sorted(modules.items()):
                file.write("module %s\n" % module)
                for ((kind, what), envs), names in sorted(groups.items()):
                    file.write("%s %s %s %s\n" % (kind, what, envs, " ".join(sorted(names))))


def made_only(module):
    return module.split(".")[0] in WHOLE - CALLED or any((module + ".").startswith(package + ".") for package in MADE_ONLY)


DANGERS = dangerous()


def gather(entries):
    """Writes once what many rows say: a class that does not fit, of all modules that show it, and a module with many such classes."""
    shown, modules = {}, {}
    for (module, name), use in entries.items():
        package = module.split(".")[0]
        if use == "r" and "*" not in module and WHOLE_NAME.match(name) and (package + ".**", "*") in entries:
            shown.setdefault((package + ".**", name), []).append(module)
            modules.setdefault(module, []).append(name)
    for module, names in modules.items():
        if len(names) > 16 and "." in module:
            entries[(module + ".**", "*")] = "r"
    for (family, name), found in shown.items():
        found = [m for m in found if in_whole(entries, m, name) != "r"]
        if len(found) > 1:
            entries[(family, name)] = "r"
    # What a family says of its modules, too.
    for module in sorted((m for m, name in entries if name == "*" and m.endswith(".**")), reverse=True):
        if in_danger(module[:-3].split(".")) or "." in module[:-3] and entries[(module, "*")] == in_whole(entries, module[:-3].rpartition(".")[0], "Any"):
            del entries[(module, "*")]


def in_danger(parts):
    """Whether a module, or a package around it, is dangerous as a whole: then it is no part of a family."""
    return any((".".join(parts[:end]), "*") in DANGERS for end in range(1, len(parts) + 1))


def in_whole(entries, module, name):
    """What a package that was read whole allows a class."""
    parts = module.split(".")
    if "*" in module or not WHOLE_NAME.match(name) or set(parts) & NOT_READ:
        return None
    if in_danger(parts):
        return None
    for end in range(len(parts), 0, -1):
        family = ".".join(parts[:end]) + ".**"
        if (family, "*") in entries:
            return entries.get((family, name), entries[(family, "*")])
    return None


def table(origins, out=EXPECTED):
    """Writes the rows of expected.txt."""
    entries = {}
    for key, said in origins.rows.items():
        for use, reason in said:
            if reason == "class" and made_only(key[0]) and not key[1].endswith(("Error", "Warning", "Exception")):
                use = use.replace("c", "n")
            # Versions may disagree: what one of them runs while loading is a danger in all.
            entries[key] = least(entries.get(key, use), use)
        if key[1] == "*" and ("rnb", "whole") in said:
            entries[key] = "rnb"
    for key, said in origins.acts.items():
        for _, what in said:
            if what == "call" and key in entries:
                entries[key] = entries[key].replace("c", "n")
            elif entries.pop(key, None) and family(*key)[0] or key[0].split(".")[0] in WHOLE:
                entries[key] = "r"
    for (module, name), use in list(entries.items()):
        if twin(module):
            entries.setdefault((twin(module), name), use)
        for home in old_homes(module, use):
            entries.setdefault((home, name), use)
    for module, name, use in list(tokens(STDLIB)) + list(tokens(REBUILD)):
        entries[(module, name)] = use
    gather(entries)
    forbidden = dangerous()
    # What a family says of a class needs no row; a narrower row and an enumeration's, which is called, stand.
    for (module, name), use in list(entries.items()):
        uses, _ = family(module, name)
        enumeration = any(reason == "enum" for _, reason in origins.rows.get((module, name), ()))
        if use == in_whole(entries, module, name):
            del entries[(module, name)]
        elif use == uses or use == "rcb" and uses == "rnb" and not enumeration:
            del entries[(module, name)]
    for module, end, use in FAMILIES:
        entries[(module, "*" + end)] = use
    entries.update({(module, name): use for module, name, use in FAMILY_FUNCTIONS})
    modules = {}
    for module, name in entries:
        if (module, name) not in forbidden and re.match(r"^[A-Za-z0-9_.*]+$", module + name):
            modules.setdefault(module, []).append((entries[(module, name)], name))
    write(out, modules)


def merge(env, *interpreters):
    """An interpreter, or files that keep what runs in one printed."""
    origins = Origins()
    answer = ""
    for interpreter in interpreters:
        if interpreter.endswith(".tsv"):
            with open(interpreter) as kept:
                answer += kept.read()
        else:
            answer += subprocess.run([interpreter, "-B", os.path.abspath(__file__), "--probe"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                     universal_newlines=True).stdout
    origins.replace(env, answer)
    origins.write()
    table(origins)


def python(version):
    """The newest interpreter of a version, such as 3.8."""
    kept = os.path.expanduser("~/.pyenv/versions")
    found = sorted(v for v in (os.listdir(kept) if os.path.isdir(kept) else ()) if v.startswith(version + "."))
    return os.path.join(kept, found[-1], "bin", "python") if found else "python" + version


def rebuild(folder, *wanted):
    with open(LIBRARIES) as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    for env, version, *requirements in rows:
        if wanted and env not in wanted:
            continue
        place = os.path.join(folder, env)
        subprocess.run([python(version), "-m", "venv", place], check=True)
        inside = os.path.join(place, "bin", "python")
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "--upgrade", "pip", "wheel"], check=True)
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "--prefer-binary"] + requirements, check=True)
        merge(env, inside)
        shutil.rmtree(place)


def why(module, name):
    origins = Origins()
    for (use, reason), envs in sorted(origins.rows.get((module, name), {}).items()):
        for env in sorted(envs):
            print(use, reason, env, origins.versions[env])
    for (_, what), envs in sorted(origins.acts.get((module, name), {}).items()):
        print("acts when it is handed hostile arguments:", what, " ".join(sorted(envs)))
    for row in list(tokens(STDLIB)) + list(tokens(REBUILD)):
        if row[:2] == (module, name):
            print(row[2], "written down in collect.py")


COMMANDS = {"rebuild": rebuild, "merge": merge, "table": lambda *out: table(Origins(), *out), "why": why, "--probe": probe, "--try": attempt_rows}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
