//! What functions from outside do, by the path to them. A table of capabilities, not of bad names: whether a call matters is
//! decided by what it is given and when it runs.

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Starts a program; the command is this argument.
    Process(usize),
    /// Runs Python text or bytecode.
    Exec,
    /// Makes bytecode out of text.
    Compile,
    /// Reads from the network.
    Fetch,
    /// Downloads into a file.
    Download,
    /// Sends to the network.
    Send,
    /// Undoes an encoding or a compression.
    Decode,
    /// Runs a pickle.
    Unpickle,
    /// Makes bytecode out of bytes.
    Marshal,
    /// Loads a native library.
    Native,
    /// Calls that only code injection needs.
    Inject,
    /// Builds a native library out of source text and loads it.
    Compiled,
    /// Fetches the code of somebody else's repository and runs it.
    Hub,
    /// Fetches a file of somebody else's repository.
    Published,
    /// Opens a file.
    Open,
    /// Removes files.
    Remove,
    /// Copies or moves a file to its second argument.
    Copy,
    /// Says who and where.
    Host,
    /// Calls what it is handed.
    Calls,
    /// Redirects a file descriptor.
    Redirect,
    /// Imports a module out of a file.
    Module,
    /// Opens a key of Windows' registry, the second argument.
    Registry,
}

/// Names of one capability in one module.
struct Row(&'static str, &'static [&'static str], Effect);

const ROWS: &[Row] = &[
    Row(
        "os",
        &[
            "system", "popen", "popen2", "popen3", "popen4", "execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe", "posix_spawn",
            "posix_spawnp", "startfile",
        ],
        Effect::Process(0),
    ),
    Row("os", &["spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"], Effect::Process(2)),
    Row("subprocess", &["Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"], Effect::Process(0)),
    Row("commands", &["getoutput", "getstatusoutput"], Effect::Process(0)),
    Row("popen2", &["popen2", "popen3", "Popen3", "Popen4"], Effect::Process(0)),
    Row("pty", &["spawn"], Effect::Process(0)),
    Row(
        "asyncio",
        &["create_subprocess_shell", "create_subprocess_exec", "subprocess.create_subprocess_shell", "subprocess.create_subprocess_exec"],
        Effect::Process(0),
    ),
    Row("pexpect", &["run", "spawn"], Effect::Process(0)),
    Row("sh", &["Command", "bash", "sh", "curl", "wget"], Effect::Process(0)),
    Row("invoke", &["run"], Effect::Process(0)),
    Row("psutil", &["Popen"], Effect::Process(0)),
    Row("win32api", &["ShellExecute", "WinExec"], Effect::Process(2)),
    Row("distutils.spawn", &["spawn"], Effect::Process(0)),
    Row("pip", &["main", "_internal.main", "_internal.cli.main.main"], Effect::Process(0)),
    Row("torch.utils.collect_env", &["run", "run_and_read_all"], Effect::Process(0)),
    Row("", &["exec", "eval", "execfile"], Effect::Exec),
    Row("", &["get_ipython().system", "get_ipython().getoutput"], Effect::Process(0)),
    Row("", &["get_ipython().run_cell", "get_ipython().ex"], Effect::Exec),
    Row("", &["get_ipython().run_cell_magic"], Effect::Process(2)),
    Row("", &["get_ipython().run_line_magic"], Effect::Process(1)),
    Row("importlib.util", &["spec_from_file_location"], Effect::Module),
    Row("zipimport", &["zipimporter"], Effect::Module),
    Row("sys", &["path.insert", "path.append"], Effect::Module),
    Row("importlib.machinery", &["SourceFileLoader", "SourcelessFileLoader"], Effect::Module),
    Row("imp", &["load_source", "load_compiled"], Effect::Module),
    Row("winreg", &["CreateKey", "CreateKeyEx", "OpenKey", "OpenKeyEx"], Effect::Registry),
    Row("code", &["InteractiveInterpreter().runsource", "InteractiveInterpreter().runcode", "InteractiveConsole().push", "interact"], Effect::Exec),
    Row("runpy", &["run_path", "run_module", "_run_code", "_run_module_code"], Effect::Exec),
    Row("timeit", &["timeit", "repeat"], Effect::Exec),
    Row("cProfile", &["run", "runctx"], Effect::Exec),
    Row("profile", &["run", "runctx"], Effect::Exec),
    Row("types", &["FunctionType", "CodeType", "LambdaType"], Effect::Exec),
    Row("", &["compile"], Effect::Compile),
    Row("codeop", &["compile_command"], Effect::Compile),
    Row("urllib.request", &["urlopen", "build_opener().open"], Effect::Fetch),
    Row("urllib2", &["urlopen"], Effect::Fetch),
    Row("urllib", &["urlopen", "request.urlopen"], Effect::Fetch),
    Row("requests", &["get", "head", "Session().get", "session().get"], Effect::Fetch),
    Row("httpx", &["get", "stream", "Client().get", "AsyncClient().get"], Effect::Fetch),
    Row("aiohttp", &["ClientSession().get"], Effect::Fetch),
    Row("urllib3", &["PoolManager().request", "request"], Effect::Fetch),
    Row("http.client", &["HTTPSConnection().getresponse", "HTTPConnection().getresponse"], Effect::Fetch),
    Row("socket", &["socket().recv", "create_connection().recv", "socket().recvfrom", "socket().makefile"], Effect::Fetch),
    Row("urllib.request", &["urlretrieve"], Effect::Download),
    Row("urllib", &["urlretrieve", "request.urlretrieve"], Effect::Download),
    Row("wget", &["download"], Effect::Download),
    Row("torch.hub", &["download_url_to_file"], Effect::Download),
    Row("torch.hub", &["load"], Effect::Hub),
    Row("huggingface_hub", &["hf_hub_download", "snapshot_download", "cached_download"], Effect::Published),
    Row("torch.hub", &["load_state_dict_from_url"], Effect::Published),
    Row("requests", &["post", "put", "patch", "request", "Session().post", "session().post", "Session().put", "Session().request"], Effect::Send),
    Row("httpx", &["post", "put", "patch", "request", "Client().post", "AsyncClient().post"], Effect::Send),
    Row("aiohttp", &["ClientSession().post", "ClientSession().put"], Effect::Send),
    Row("urllib.request", &["Request"], Effect::Fetch),
    Row("http.client", &["HTTPSConnection().request", "HTTPConnection().request"], Effect::Send),
    Row(
        "socket",
        &[
            "socket().connect", "socket().connect_ex", "create_connection", "socket().send", "socket().sendall", "socket().sendto", "create_connection().send",
            "create_connection().sendall",
        ],
        Effect::Send,
    ),
    Row("socket", &["gethostbyname", "getaddrinfo"], Effect::Fetch),
    Row("smtplib", &["SMTP().sendmail", "SMTP().send_message", "SMTP_SSL().sendmail", "SMTP_SSL().send_message"], Effect::Send),
    Row("ftplib", &["FTP().storbinary", "FTP().storlines"], Effect::Send),
    Row("telnetlib", &["Telnet"], Effect::Send),
    Row("paramiko", &["SSHClient().connect"], Effect::Send),
    Row(
        "base64",
        &[
            "b64decode", "urlsafe_b64decode", "standard_b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "decodebytes", "decodestring",
            "z85decode",
        ],
        Effect::Decode,
    ),
    Row("binascii", &["unhexlify", "a2b_base64", "a2b_hex", "a2b_uu"], Effect::Decode),
    Row("zlib", &["decompress", "decompressobj().decompress"], Effect::Decode),
    Row("gzip", &["decompress"], Effect::Decode),
    Row("bz2", &["decompress"], Effect::Decode),
    Row("lzma", &["decompress"], Effect::Decode),
    Row("", &["bytes.fromhex", "bytearray.fromhex"], Effect::Decode),
    Row("cryptography.fernet", &["Fernet().decrypt"], Effect::Decode),
    Row("pickle", &["load", "loads", "Unpickler().load", "_load", "_loads", "_Unpickler().load"], Effect::Unpickle),
    Row("dill", &["load", "loads"], Effect::Unpickle),
    Row("cloudpickle", &["load", "loads"], Effect::Unpickle),
    Row("joblib", &["load"], Effect::Unpickle),
    Row("torch", &["load"], Effect::Unpickle),
    Row("pandas", &["read_pickle"], Effect::Unpickle),
    Row("shelve", &["open"], Effect::Unpickle),
    Row("yaml", &["load", "load_all", "unsafe_load", "unsafe_load_all", "full_load"], Effect::Unpickle),
    Row("jsonpickle", &["decode"], Effect::Unpickle),
    Row("marshal", &["load", "loads"], Effect::Marshal),
    Row("ctypes", &["CDLL", "PyDLL", "WinDLL", "OleDLL", "cdll.LoadLibrary", "windll.LoadLibrary", "pydll.LoadLibrary"], Effect::Native),
    Row("cffi", &["FFI().dlopen"], Effect::Native),
    Row("torch.ops", &["load_library"], Effect::Native),
    Row("torch.classes", &["load_library"], Effect::Native),
    Row("tensorflow", &["load_op_library"], Effect::Native),
    Row("imp", &["load_dynamic"], Effect::Native),
    Row("_imp", &["create_dynamic"], Effect::Native),
    Row("importlib.machinery", &["ExtensionFileLoader().load_module"], Effect::Native),
    Row(
        "ctypes",
        &[
            "windll.kernel32.VirtualAlloc", "windll.kernel32.VirtualAllocEx", "windll.kernel32.RtlMoveMemory", "windll.kernel32.CreateThread",
            "windll.kernel32.CreateRemoteThread", "windll.kernel32.WriteProcessMemory", "windll.kernel32.VirtualProtect",
        ],
        Effect::Inject,
    ),
    // Called instead of handed to somebody: the function is at an address that was put together here.
    Row("ctypes", &["CFUNCTYPE()()", "PYFUNCTYPE()()", "WINFUNCTYPE()()"], Effect::Inject),
    Row("torch.utils.cpp_extension", &["load_inline", "load"], Effect::Compiled),
    Row("", &["open", "file"], Effect::Open),
    Row("io", &["open"], Effect::Open),
    Row("codecs", &["open"], Effect::Open),
    Row("os", &["remove", "unlink", "rmdir", "removedirs"], Effect::Remove),
    Row("shutil", &["rmtree"], Effect::Remove),
    Row("shutil", &["copy", "copyfile", "copy2", "move", "copytree"], Effect::Copy),
    Row("os", &["rename", "replace", "symlink", "link"], Effect::Copy),
    Row("socket", &["gethostname", "getfqdn"], Effect::Host),
    Row("platform", &["node", "uname", "platform"], Effect::Host),
    Row("getpass", &["getuser"], Effect::Host),
    Row("os", &["getlogin", "uname", "getcwd"], Effect::Host),
    Row("", &["map", "filter", "sorted", "min", "max", "apply"], Effect::Calls),
    Row("functools", &["reduce"], Effect::Calls),
    Row("atexit", &["register"], Effect::Calls),
    Row("threading", &["Thread", "Timer"], Effect::Calls),
    Row("multiprocessing", &["Process"], Effect::Calls),
    Row("_thread", &["start_new_thread"], Effect::Calls),
    Row("thread", &["start_new_thread"], Effect::Calls),
    Row("signal", &["signal"], Effect::Calls),
    Row("concurrent.futures", &["ThreadPoolExecutor().submit", "ThreadPoolExecutor().map"], Effect::Calls),
    Row("asyncio", &["run", "get_event_loop().run_in_executor"], Effect::Calls),
    Row("os", &["dup2"], Effect::Redirect),
];

/// Modules by another name.
const TWINS: &[(&str, &str)] = &[
    ("posix", "os"),
    ("nt", "os"),
    ("_pickle", "pickle"),
    ("cPickle", "pickle"),
    ("_posixsubprocess", "subprocess"),
    ("six.moves.urllib.request", "urllib.request"),
    ("six.moves.cPickle", "pickle"),
    ("pickle5", "pickle"),
    ("os.sys", "sys"),
    ("os.builtins", "builtins"),
    ("_io", "io"),
    ("_winreg", "winreg"),
    ("IPython.get_ipython", "get_ipython"),
    ("_socket", "socket"),
    ("threading._start_new_thread", "_thread.start_new_thread"),
    ("asyncio.subprocess.asyncio", "asyncio"),
];

/// A path with its module's usual name, and builtins without theirs.
pub fn normal(path: &str) -> String {
    let mut out = path.to_string();
    if matches!(path, "__builtins__" | "__builtin__") {
        return "builtins".into();
    }
    for module in ["builtins.", "__builtin__.", "__builtins__."] {
        if let Some(rest) = out.strip_prefix(module) {
            out = rest.to_string();
        }
    }
    for (from, to) in TWINS {
        if let Some(rest) = out.strip_prefix(from)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{to}{rest}");
        }
    }
    // A module seen through others that import it (`shutil.os`, `torch.serialization.os`) is that module.
    const SEEN: &[&str] = &["os", "sys", "subprocess", "builtins", "importlib", "ctypes", "socket", "pickle", "marshal", "base64"];
    let mut rest = out.as_str();
    while let Some((_, inner)) = rest.split_once('.') {
        rest = inner;
        if let Some((module, _)) = rest.split_once('.')
            && SEEN.contains(&module)
            && !out.starts_with('.')
            && !matches!(rest, "os.path" | "os.environ")
        {
            return normal_once(rest);
        }
    }
    out
}

fn normal_once(path: &str) -> String {
    path.strip_prefix("builtins.").unwrap_or(path).to_string()
}

/// What a call of this normal path does.
pub fn of(path: &str) -> Option<Effect> {
    // A function of a library that was opened by hand: C's own ways to start a program, wherever it comes from.
    if let Some((library, function)) = path.rsplit_once("().")
        && matches!(function, "system" | "popen" | "execv" | "execve" | "execl" | "execvp" | "WinExec" | "ShellExecuteA" | "ShellExecuteW")
        && of(library) == Some(Effect::Native)
    {
        return Some(Effect::Process(0));
    }
    ROWS.iter().find_map(|Row(module, names, effect)| {
        let rest = if module.is_empty() { Some(path) } else { path.strip_prefix(module).and_then(|r| r.strip_prefix('.')) }?;
        names.contains(&rest).then_some(*effect)
    })
}

/// Builtins that are followed by name.
pub fn builtin(name: &str) -> bool {
    matches!(
        name,
        "exec"
            | "eval"
            | "execfile"
            | "compile"
            | "open"
            | "file"
            | "__import__"
            | "getattr"
            | "setattr"
            | "globals"
            | "locals"
            | "vars"
            | "chr"
            | "unichr"
            | "ord"
            | "input"
            | "raw_input"
            | "map"
            | "filter"
            | "sorted"
            | "apply"
            | "bytes"
            | "bytearray"
            | "str"
            | "unicode"
            | "list"
            | "tuple"
            | "dict"
            | "set"
            | "reversed"
            | "print"
            | "type"
            | "object"
            | "__builtins__"
            | "__builtin__"
            | "__loader__"
            | "get_ipython"
            | "min"
            | "max"
            | "repr"
    )
}

/// Whether a name is one that somebody could want to disguise.
pub fn telling(name: &str) -> bool {
    builtin(name) || powerful(name) || ROWS.iter().any(|r| r.0 == name || r.1.iter().any(|n| n.rsplit('.').next() == Some(name)))
}

/// Modules out of which a computed name is a reason to stop.
pub fn powerful(path: &str) -> bool {
    matches!(
        path,
        "os" | "posix" | "nt" | "subprocess" | "builtins" | "__builtin__" | "sys" | "importlib" | "ctypes" | "pty" | "commands" | "runpy" | "code" | "marshal"
    )
}

/// What a path on disk is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Credentials lie there.
    Secret,
    /// What lies there runs by itself.
    Startup,
}

const SECRETS: &[&str] = &[
    "/.ssh/id_", "/.ssh/$", "/.aws/$", "/.gnupg/$", ".ssh/id_rsa", ".ssh/id_ed25519", "/.aws/credentials", "/.config/gcloud",
    "application_default_credentials.json", "/.azure/", "/.kube/config", "/.docker/config.json", "/.netrc", "/.git-credentials", "/.npmrc", "/.pypirc",
    "/.cache/huggingface/token", "/.huggingface/token", "/etc/shadow", "/.gnupg/", "login data", "cookies.sqlite", "wallet.dat", "/.bash_history",
    "/.zsh_history", "/proc/self/environ", "local state",
];

const STARTUP: &[&str] = &[
    "/.bashrc", "/.bash_profile", "/.profile", "/.zshrc", "/.zprofile", "/.ssh/authorized_keys", "/.ssh/config", "/etc/cron", "/var/spool/cron",
    "/etc/rc.local", "/etc/profile", "/etc/ld.so.preload", "/etc/systemd/system", "/.config/systemd/user", "/.config/autostart", "/library/launchagents",
    "/library/launchdaemons", "/start menu/programs/startup", "/programs/startup/", "/etc/sudoers", "/etc/passwd", "sitecustomize.py", "usercustomize.py",
    "/etc/init.d/",
];

/// What lies at a path, by its name.
pub fn spot(path: &str) -> Option<Spot> {
    let plain = format!("/{}", path.replace("\\\\", "/").replace('\\', "/").to_ascii_lowercase());
    let startup = STARTUP.iter().any(|s| plain.contains(s)) || plain.ends_with(".pth") && plain.contains("site-packages");
    // Of these folders the whole is as good as a file of theirs: `$` stands for the end.
    let whole = format!("{}/$", plain.trim_end_matches(['/', '*']));
    let secret = SECRETS.iter().any(|s| plain.contains(s) || whole.ends_with(s)) && !plain.ends_with(".pub");
    if secret { Some(Spot::Secret) } else { startup.then_some(Spot::Startup) }
}

/// Whether an environment variable's name says that it holds a credential.
pub fn credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"].iter().any(|w| upper.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed_to_what_they_do() {
        for path in ["os.system", "posix.system", "builtins.exec", "shutil.os.system", "logging.os.popen", "subprocess.Popen", "_pickle.loads"] {
            assert!(of(&normal(path)).is_some(), "{path}");
        }
        for path in ["os.path.join", "os.makedirs", "torch.nn.Linear", "json.loads", "re.compile"] {
            assert!(of(&normal(path)).is_none(), "{path}");
        }
        assert_eq!(spot("~/.ssh/id_rsa"), Some(Spot::Secret));
        assert_eq!(spot("~/.bashrc"), Some(Spot::Startup));
        assert_eq!(spot("model/config.json"), None);
    }
}
