//! What a reader may say about bytes. Facts carry no judgement: no severity, no verdict, no sentence.

/// How an import is used by the pickle that names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Something calls it: REDUCE, OBJ, INST, or a function that it is handed to.
    pub called: bool,
    /// Only its `__new__` is called: NEWOBJ, NEWOBJ_EX, or a function of the library that rebuilds objects of a class.
    pub made: bool,
    /// An object made by it, or it itself, receives BUILD state.
    pub built: bool,
}

/// When source code runs, the earliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// As soon as the file is imported or installed.
    Import,
    /// When a library loads, serves or uses the model that the file belongs to.
    Load,
    /// When the file is started as a program.
    Main,
    /// When somebody calls the function that it stands in.
    Call,
}

/// One statement of a reader.
#[derive(Clone, Debug)]
pub enum Fact {
    /// Loading resolves this global. Stated once for each (module, name), with its strongest use.
    Import {
        /// Module as written in the file.
        module: String,
        /// Name as written, dotted where the file says so.
        name: String,
        /// What the file does with it.
        usage: Use,
        /// Every call of it that was seen passes only arguments the wrapper rules allow (`functools.partial` of an expected callable …).
        wraps: Vec<(String, String)>,
    },
    /// Loading resolves a global whose name is computed while loading, so that it cannot be read from the bytes.
    ComputedImport {
        /// The expression that stands for the name.
        text: String,
    },
    /// A call that loading makes.
    Call {
        /// Module of what is called.
        module: String,
        /// Name of what is called.
        name: String,
        /// The call as Python would write it.
        text: String,
    },
    /// BUILD, SETITEM(S), APPEND(S) or ADDITEMS on something that is not a plain container.
    Mutation {
        /// Opcode name.
        opcode: &'static str,
        /// Module of the class of what is changed.
        module: String,
        /// Name of the class of what is changed.
        name: String,
        /// True when the changed thing is the imported global itself (a class, a module), not an object made by calling it.
        global: bool,
        /// The target as Python would write it.
        text: String,
    },
    /// State holds text that its class executes, and it is not what the class writes there.
    ExecutedState {
        /// The text, or how the state that hides it looks.
        text: String,
    },
    /// Text among the arguments of a call that evaluates it, and that is more than a number or a name.
    EvaluatedText {
        /// The call as Python would write it.
        call: String,
    },
    /// State that gives an object a special method.
    SpecialKey {
        /// The key, such as `__setstate__`.
        key: String,
    },
    /// A persistent id that is not what torch writes: the loader's `persistent_load` decides what it does.
    PersistentId {
        /// The id as Python would write it.
        text: String,
    },
    /// A persistent id that carries the Python source of a class, as `torch.save` of a whole module does.
    SourceCode {
        /// Module of the class.
        module: String,
        /// Name of the class.
        name: String,
        /// Whether the source is something else than one class, which is all that `inspect.getsource` yields.
        imports: bool,
    },
    /// An opcode of the extension registry; the global behind the code is known only to the loading process.
    Extension {
        /// The code.
        code: u64,
    },
    /// Loading makes far more out of the bytes than there are bytes.
    Expansion {
        /// How many objects would come out of it, as a power of two.
        power: u32,
    },
    /// More of something than any library writes, so that whoever looks gives up before the end.
    Flood {
        /// Of what: `too-many-imports`, `too-much-work` or `too-deep`.
        what: &'static str,
    },
    /// A tensor.
    Tensor(Tensor),
    /// A key and value of the file's own metadata.
    Metadata {
        /// Key as written.
        key: String,
        /// Value, shortened.
        value: String,
    },
    /// TorchScript source calls something that reaches outside of the model.
    ScriptCall {
        /// The name that is called.
        name: String,
    },
    /// A template does something that rendering a conversation does not need.
    Template {
        /// What, as a stable id.
        what: &'static str,
        /// The span of the template.
        text: String,
    },
    /// Two places of an archive disagree about one member, or a member cannot be trusted.
    Archive {
        /// What, as a stable id.
        what: &'static str,
        /// The member's name as the directory has it.
        name: String,
        /// The disagreement in words of the format.
        detail: String,
    },
    /// A header says what its own specification forbids.
    Header {
        /// What, as a stable id.
        what: &'static str,
        /// The value that is wrong.
        detail: String,
        /// Whether memory-unsafe readers have been attacked this way: sizes and offsets that leave the file or wrap around.
        memory: bool,
    },
    /// Bytes outside of what the format describes.
    Stray {
        /// `leading`, `trailing` or `hole`.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
    /// Something that runs, inside of something that should only hold numbers or text.
    Embedded {
        /// What it is: `elf`, `pe`, `mach-o`, `script`, `pickle` ….
        kind: &'static str,
    },
    /// The bytes are surely of two formats that do not contain each other.
    Polyglot {
        /// The formats' names.
        formats: String,
    },
    /// The name's ending promises another format than the bytes hold.
    WrongExtension {
        /// The ending.
        extension: String,
        /// What the bytes are.
        format: &'static str,
    },
    /// A file that this one names.
    Reference {
        /// The name as written.
        target: String,
    },
    /// A name that would leave the folder it is unpacked or looked up in.
    Traversal {
        /// The name as written.
        target: String,
    },
    /// Loading resolves this object by its module and name, as Keras configurations name layers, losses and functions.
    KerasObject {
        /// Module as written; `None` where the loader looks the name up among its own and the registered ones.
        module: Option<String>,
        /// Class or function.
        name: String,
        /// Whether the file asks for a function.
        function: bool,
        /// The name under which the author registered it.
        registered: Option<String>,
    },
    /// A Keras configuration carries code.
    KerasCode {
        /// `bytecode` of a function, or a `torch` module, which is a pickle.
        kind: &'static str,
        /// Names and texts that the bytecode uses.
        names: String,
    },
    /// A layer names a file that it reads.
    KerasFile {
        /// Class of the layer.
        class: String,
        /// Setting that names the file.
        key: &'static str,
        /// Name as written.
        target: String,
        /// Whether the name leads out of the model's folder.
        leaves: bool,
    },
    /// Elements or links of this file stand in another one, which whoever reads this one opens.
    OutsideData {
        /// `external-link`, `external-storage` or `virtual-dataset`.
        kind: &'static str,
        /// Name as written.
        target: String,
        /// Whether the name leads out of the file's folder.
        leaves: bool,
        /// Whether the file is a model: there nothing outside is expected.
        model: bool,
    },
    /// Something in an HDF5 file that its usual writers do not do.
    Hdf5Oddity {
        /// What, as a stable id: `cycle`, `user-link`, `unknown-filter`, `claims-too-much`.
        what: &'static str,
        /// The object, and what is odd about it.
        name: String,
    },
    /// A graph uses an operator that it does not define itself. Stated once for each name and for what distinguishes its uses.
    Operator {
        /// Whose names these are: `onnx`, `tensorflow`, `paddle` ….
        family: &'static str,
        /// Domain, dialect or kind inside of the family, empty where there is none.
        domain: String,
        /// Name as written.
        name: String,
        /// Texts in the file that this use is given.
        texts: Vec<OperatorText>,
    },
    /// A file beside this one holds tensors of it.
    ExternalFile {
        /// The name as written, relative to this file.
        target: String,
        /// Bytes of it that are needed; 0 where the file does not say.
        end: u64,
    },
    /// A file beside this one holds a piece of its array: numbers behind codecs, never more bytes than that.
    Chunk {
        /// The name, relative to this file.
        target: String,
        /// Bytes of the piece before it is compressed.
        most: u64,
    },
    /// The description of an external file has a key that no version of the format has.
    ExternalKey {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// A compiled engine: code for a device that only its own runtime understands.
    Engine {
        /// What it is for.
        kind: &'static str,
    },
    /// A native library that a runtime is told to load.
    NativeLibrary {
        /// Its name or path as written.
        target: String,
    },
    /// A setting that names code by its dotted name: the program that reads the settings imports it.
    Target {
        /// How the setting names it, as written in the format: `_target_`, `!!python/object/apply`, `py/object` ….
        way: &'static str,
        /// The dotted name as written.
        name: String,
        /// Whether reading the settings is enough to resolve it, without a toolkit that instantiates them.
        eager: bool,
    },
    /// A module that the loading program imports because the file's settings say so.
    LoaderModule {
        /// Dotted name of the module.
        module: String,
        /// Whether the settings bring code of their own along, in a folder beside them.
        code: bool,
    },
    /// A class of another runtime (Java, Lua) that loading instantiates.
    ForeignClass {
        /// `java` or `lua`.
        runtime: &'static str,
        /// The class as written.
        name: String,
    },
    /// Code of the author's own that a model's settings ask for: a custom layer, operator, codec or script by its name.
    OwnCode {
        /// `parameter`, `layer`, `codec`, `backend`, `plugin` or `script`.
        kind: &'static str,
        /// The name as written.
        name: String,
    },
    /// A document type declaration, which models have no use for.
    Doctype {
        /// Whether it names something outside of the document.
        external: bool,
        /// The declaration, shortened.
        text: String,
    },
    /// What a loader lets its user check and what it then resolves are two things.
    Confused {
        /// What it shows.
        shown: String,
        /// What it resolves.
        loaded: String,
    },
    /// A function that a stored expression calls, in a language whose data may hold expressions.
    StoredCall {
        /// `r`, `lua`, `java` or `xml`.
        language: &'static str,
        /// The function as written.
        name: String,
        /// The call, with its first constant text.
        text: String,
        /// When it runs.
        moment: Moment,
    },
    /// A promise of R whose value is still open: touching it evaluates its expression.
    Promise {
        /// Whether it stands where R keeps unevaluated arguments: bound to a name in an environment.
        bound: bool,
        /// The call, or what else it holds.
        text: String,
    },
    /// Source code does something; `code` alone says that there is source.
    Script {
        /// The language's name.
        language: &'static str,
        /// What, as a stable id.
        what: &'static str,
        /// The earliest moment.
        when: When,
        /// The call or command as written, shortened.
        call: String,
    },
    /// A setting makes a loader import code by its name.
    CodeReference {
        /// The setting's key.
        key: String,
        /// What it names, as written.
        target: String,
        /// Where the code comes from: `beside`, `elsewhere` (another repository), or `library`.
        origin: &'static str,
    },
    /// A list of packages sends its installer somewhere else than to the registry.
    PackageSource {
        /// What, as a stable id.
        what: &'static str,
        /// The line as written.
        line: String,
    },
    /// A credential.
    Secret {
        /// What it opens.
        kind: &'static str,
        /// Its beginning.
        shown: String,
    },
    /// Characters that make a text read differently from how it is shown.
    HiddenText {
        /// What, as a stable id.
        what: &'static str,
        /// The characters, escaped.
        shown: String,
    },
    /// Bytecode for another runtime that nothing about a model needs.
    Bytecode {
        /// What it is, for people.
        kind: String,
    },
    /// A stand-in for a file that lies in a large-file store.
    Pointer {
        /// Digest of the real file.
        digest: String,
        /// Its size.
        size: u64,
    },
    /// A page or drawing carries a program for the browser that shows it.
    ActiveDocument {
        /// What, as a stable id.
        what: &'static str,
        /// The beginning of it.
        text: String,
    },
    /// A reader could not go on.
    Malformed {
        /// Format id.
        format: &'static str,
        /// What is wrong, as a stable id.
        what: &'static str,
    },
}

/// A text that an operator is given: by an attribute, or by a constant that reaches one of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorText {
    /// The attribute's name, or `input 0` and so on.
    pub key: String,
    /// The text, shortened.
    pub value: String,
}

/// When a stored expression runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Never by itself: a formula, a call that is kept to be shown.
    Data,
    /// When somebody calls the function that holds it.
    Called,
    /// When the name that it is bound to is looked at.
    Touched,
    /// By itself: while loading, or when the object is looked at.
    Loaded,
}

/// A tensor's description; dimensions are kept up to the rank that a report shows.
#[derive(Clone, Debug, Default)]
pub struct Tensor {
    /// Name as written.
    pub name: String,
    /// Element type, in the notation of safetensors (`F32`, `BF16`) or the format's own for block types (`Q4_K`).
    pub dtype: String,
    /// Shape, outermost dimension first.
    pub shape: Vec<u64>,
    /// Bytes in the file.
    pub bytes: u64,
}

impl Tensor {
    /// Number of elements, saturating.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1u64, |n, d| n.saturating_mul(*d))
    }
}
