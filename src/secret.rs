//! Credentials in texts, by the shapes that their issuers give them.
//!
//! A shape alone is not enough: the header of a JSON Web Token must decode, and what is written as an example is none. A report never
//! holds a credential whole.
//!
//! # Why not check GitHub's and npm's CRC-32
//! It would clear a token of which one letter was lost or changed on the way, and the rest of which is as secret as before.
//!
//! # Why not Aho-Corasick
//! Every prefix begins at the beginning of a word, and few bytes begin a prefix: one table of 256 bits and a short list are as fast,
//! and weigh nothing.

/// A credential in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Offset in the text.
    pub at: usize,
    /// Bytes.
    pub len: usize,
    /// What it opens.
    pub kind: &'static str,
}

/// Letters that a body is made of.
#[derive(Clone, Copy)]
enum Of {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`.
    Url,
    /// Capitals and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// As [`Of::Url`], and dots.
    Dotted,
    /// Base64 in an address: letters, digits and `%`.
    Signed,
}

impl Of {
    fn holds(self, b: u8) -> bool {
        match self {
            Of::Alnum => b.is_ascii_alphanumeric(),
            Of::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Of::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Of::Hex => b.is_ascii_hexdigit(),
            Of::Signed => b.is_ascii_alphanumeric() || b == b'%',
            Of::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
        }
    }
}

struct Shape {
    prefix: &'static str,
    of: Of,
    least: usize,
    most: usize,
    kind: &'static str,
}

const fn shape(prefix: &'static str, of: Of, least: usize, most: usize, kind: &'static str) -> Shape {
    Shape { prefix, of, least, most, kind }
}

/// Longer prefixes before their beginnings. Sources: the issuers' documentation and GitHub's list of secret scanning patterns.
const SHAPES: &[Shape] = &[
    shape("AKIA", Of::Upper, 16, 16, "AWS access key"),
    shape("ASIA", Of::Upper, 16, 16, "AWS session key"),
    shape("AIza", Of::Url, 35, 35, "Google API key"),
    shape("ya29.", Of::Url, 40, 400, "Google access token"),
    shape("GOCSPX-", Of::Url, 28, 28, "Google client secret"),
    shape("hf_", Of::Alnum, 34, 37, "Hugging Face token"),
    shape("api_org_", Of::Alnum, 34, 34, "Hugging Face organisation token"),
    shape("sk-ant-", Of::Url, 60, 200, "Anthropic key"),
    shape("sk-proj-", Of::Url, 40, 200, "OpenAI key"),
    shape("sk-svcacct-", Of::Url, 40, 200, "OpenAI key"),
    shape("sk-admin-", Of::Url, 40, 200, "OpenAI key"),
    shape("sk-or-v1-", Of::Hex, 64, 64, "OpenRouter key"),
    shape("sk-lf-", Of::Url, 36, 36, "Langfuse key"),
    shape("sk-", Of::Alnum, 48, 51, "OpenAI key"),
    shape("github_pat_", Of::Url, 82, 82, "GitHub token"),
    shape("ghp_", Of::Alnum, 36, 36, "GitHub token"),
    shape("gho_", Of::Alnum, 36, 36, "GitHub token"),
    shape("ghu_", Of::Alnum, 36, 36, "GitHub token"),
    shape("ghs_", Of::Alnum, 36, 36, "GitHub token"),
    shape("ghr_", Of::Alnum, 36, 36, "GitHub token"),
    shape("npm_", Of::Alnum, 36, 36, "npm token"),
    shape("glpat-", Of::Url, 20, 60, "GitLab token"),
    shape("xoxb-", Of::Url, 24, 90, "Slack token"),
    shape("xoxp-", Of::Url, 24, 90, "Slack token"),
    shape("xoxa-", Of::Url, 24, 90, "Slack token"),
    shape("xoxr-", Of::Url, 24, 90, "Slack token"),
    shape("xoxs-", Of::Url, 24, 90, "Slack token"),
    shape("xapp-", Of::Url, 40, 150, "Slack token"),
    shape("hooks.slack.com/services/T", Of::Dotted, 8, 12, "Slack webhook"),
    shape("sk_live_", Of::Alnum, 20, 120, "Stripe key"),
    shape("rk_live_", Of::Alnum, 20, 120, "Stripe key"),
    shape("whsec_", Of::Alnum, 32, 64, "Stripe webhook secret"),
    shape("pypi-AgEI", Of::Url, 50, 400, "PyPI token"),
    shape("SG.", Of::Dotted, 66, 66, "SendGrid key"),
    shape("dop_v1_", Of::Hex, 64, 64, "DigitalOcean token"),
    shape("dapi", Of::Hex, 32, 32, "Databricks token"),
    shape("r8_", Of::Alnum, 37, 37, "Replicate token"),
    shape("gsk_", Of::Alnum, 52, 52, "Groq key"),
    shape("xai-", Of::Alnum, 80, 80, "xAI key"),
    shape("pplx-", Of::Alnum, 48, 56, "Perplexity key"),
    shape("pcsk_", Of::Url, 60, 80, "Pinecone key"),
    shape("nvapi-", Of::Url, 60, 72, "NVIDIA key"),
    shape("shpat_", Of::Hex, 32, 32, "Shopify token"),
    shape("hvs.", Of::Url, 24, 120, "Vault token"),
    shape("glsa_", Of::Url, 41, 41, "Grafana token"),
    shape("lin_api_", Of::Alnum, 40, 40, "Linear key"),
    shape("ntn_", Of::Alnum, 46, 46, "Notion token"),
    shape("PMAK-", Of::Url, 59, 59, "Postman key"),
    shape("AGE-SECRET-KEY-1", Of::Upper, 58, 58, "age key"),
    shape("discord.com/api/webhooks/", Of::Url, 17, 20, "Discord webhook"),
    shape("dckr_pat_", Of::Url, 27, 36, "Docker Hub token"),
    shape("lsv2_", Of::Url, 46, 46, "LangSmith key"),
    shape("pul-", Of::Hex, 40, 40, "Pulumi token"),
    shape("key-", Of::Hex, 32, 32, "Mailgun key"),
    shape("SK", Of::Hex, 32, 32, "Twilio key"),
    shape("secret_", Of::Alnum, 43, 43, "Notion token"),
    shape("figd_", Of::Url, 40, 43, "Figma token"),
    shape("sbp_", Of::Hex, 40, 40, "Supabase token"),
    shape("NRAK-", Of::Upper, 27, 27, "New Relic key"),
    shape("ATATT3", Of::Url, 150, 200, "Atlassian token"),
    shape("dp.pt.", Of::Alnum, 40, 44, "Doppler token"),
    shape("LTAI", Of::Alnum, 16, 20, "Alibaba Cloud key"),
    shape("sig=", Of::Signed, 46, 60, "Azure access token"),
];

/// Ends of names that a credential is given to, in lower case, and what the most telling of them opens.
const NAMED: &[(&str, &str)] = &[
    ("aws_secret_access_key", "AWS secret key"),
    ("wandb_api_key", "Weights & Biases key"),
    ("accountkey", "Azure storage key"),
    ("kaggle_key", "Kaggle key"),
    ("api_key", "API key"),
    ("apikey", "API key"),
    ("api-key", "API key"),
    ("access_key", "access key"),
    ("secret_key", "secret key"),
    ("license_key", "secret key"),
    ("secret", "secret key"),
    ("token", "token"),
    ("password", "password"),
    ("passwd", "password"),
];

/// What a tokenizer's own words are called, in front of `_token`, and marks of a page in a list.
const WORDS: &[&[u8]] = &[b"bos", b"eos", b"unk", b"pad", b"sep", b"cls", b"mask", b"image", b"video", b"audio", b"next", b"page"];

const SCHEMES: &[&str] = &[
    "postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps", "mssql", "clickhouse", "ftp", "sftp", "https",
    "http", "postgresql+psycopg2", "mysql+pymysql", "nats", "kafka",
];

/// Every credential in a text, in order.
pub fn find(text: &[u8]) -> Vec<Secret> {
    let mut out: Vec<Secret> = Vec::new();
    let mut at = 0;
    let mut before = 0u8;
    let mut tokens = Tokens::default();
    while let Some(b) = text.get(at) {
        let begins = !(before.is_ascii_alphanumeric() || before == b'_') || before == b'n' && at > 1 && text.get(at - 2) == Some(&b'\\');
        let found = match b {
            _ if out.len() >= 1000 => return out,
            b'-' => private_key(text, at),
            b':' => url(text, at).or_else(|| named(text, at)),
            b'=' => named(text, at),
            b'e' if begins => tokens.begins(text, at),
            _ if begins && b.is_ascii_alphanumeric() => shaped(text, at).or_else(|| phrased(text, at)),
            _ => None,
        };
        match found {
            Some(secret) => {
                at = (secret.at + secret.len).max(at + 1);
                before = b'x';
                out.push(secret);
            }
            None => {
                before = *b;
                at += 1;
            }
        }
    }
    out
}

/// A text with every credential in it cut short.
pub fn masked(text: &str) -> String {
    let found = find(text.as_bytes());
    if found.is_empty() {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for s in found {
        out.push_str(text.get(from..s.at).unwrap_or(""));
        out.push_str(&short(text.get(s.at..s.at + s.len).unwrap_or("")));
        from = s.at + s.len;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

/// The beginning of a credential, enough to find it again.
pub fn short(secret: &str) -> String {
    let shown: String = secret.chars().take((secret.chars().count() / 4).min(8)).collect();
    format!("{shown}… ({} characters)", secret.chars().count())
}

fn run(text: &[u8], at: usize, of: impl Fn(u8) -> bool, most: usize) -> usize {
    text.get(at..).map_or(0, |r| r.iter().take(most).take_while(|b| of(**b)).count())
}

fn shaped(text: &[u8], at: usize) -> Option<Secret> {
    let rest = text.get(at..)?;
    for s in SHAPES {
        if !rest.starts_with(s.prefix.as_bytes()) {
            continue;
        }
        let from = at + s.prefix.len();
        let len = run(text, from, |b| s.of.holds(b), s.most + 1);
        let body = text.get(from..from + len)?;
        let fits = len >= s.least && len <= s.most && lively(body);
        if !fits {
            continue;
        }
        let mut end = from + len;
        // A webhook's path goes on with what opens it.
        if s.prefix.contains('/') {
            let more = run(text, end, |b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'), 120);
            if more < 24 || !lively(text.get(end..end + more)?) {
                continue;
            }
            end += more;
        }
        return Some(Secret { at, len: end - at, kind: s.kind });
    }
    None
}

/// Whether a body looks drawn by lot, and not written by hand.
fn lively(body: &[u8]) -> bool {
    let mut counts = [0u16; 256];
    for b in body.iter().take(4096) {
        if let Some(c) = counts.get_mut(usize::from(*b)) {
            *c += 1;
        }
    }
    let distinct = counts.iter().filter(|c| **c > 0).count();
    let digits = body.iter().any(u8::is_ascii_digit) || body.len() >= 34;
    if !digits || distinct < 10.min(body.len() / 2) || body.windows(5).any(|w| w.iter().all(|b| Some(b) == w.first())) {
        return false;
    }
    let lower = body.to_ascii_lowercase();
    let holds = |w: &[u8]| lower.windows(w.len()).any(|x| x == w);
    ![
        &b"example"[..],
        b"xxxx",
        b"your",
        b"placeholder",
        b"dummy",
        b"redacted",
        b"abcdefgh",
        b"12345678",
        b"00000000",
        b"insert",
        b"changeme",
        b"token-here",
        b"_here",
        b"-here",
    ]
    .iter()
    .any(|w| holds(w))
}

/// `-----BEGIN … PRIVATE KEY-----` with a key behind it.
fn private_key(text: &[u8], at: usize) -> Option<Secret> {
    let rest = text.get(at..)?.strip_prefix(b"-----BEGIN ")?;
    let line = rest.get(..rest.len().min(60))?;
    let end =
        line.windows(16).position(|w| w == b"PRIVATE KEY-----").or_else(|| line.windows(22).position(|w| w == b"PRIVATE KEY BLOCK-----").map(|n| n + 6))?;
    let body_at = at + 11 + end + 16;
    let body = text.get(body_at..)?;
    let window = body.get(..body.len().min(8192))?;
    let stop = window.windows(9).position(|w| w == b"-----END " || w == b"-----BEGI").unwrap_or(window.len());
    let mut letters = 0;
    let mut escaped = false;
    let mut kept = Vec::new();
    for b in window.get(..stop)? {
        // Line ends may be written as `\n`.
        let counts = !(escaped && matches!(b, b'n' | b'r' | b't')) && (b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
        escaped = *b == b'\\';
        if counts {
            letters += 1;
            // OpenSSH's keys hold numbers of four bytes, most of them small: their zeros are no sign of a key that was made up.
            if kept.len() < 200 && !(*b == b'A' && kept.ends_with(b"AAAA")) {
                kept.push(*b);
            }
        }
    }
    (letters >= 40 && lively(&kept)).then_some(Secret { at, len: body_at + stop - at, kind: "private key" })
}

/// The longest header of a JSON Web Token, and the longest of its other parts.
const HEADER: usize = 4096;
const PART: usize = 16 << 10;

/// JSON Web Tokens: three parts, the first of which is an object that names its algorithm.
///
/// A run of letters may hold a thousand beginnings of a token. Its end is looked for once, and what was decoded from one beginning
/// and named no algorithm is not decoded again from a later one: that sees less of the same bytes. So a text costs a few looks a byte.
#[derive(Default)]
struct Tokens {
    /// Where the run of letters ends in which the last beginning stood.
    end: usize,
    /// Whether a beginning whose distance to the end leaves 0 to 3 over four has failed.
    failed: [bool; 4],
}

impl Tokens {
    /// The token that begins at `at`.
    fn begins(&mut self, text: &[u8], at: usize) -> Option<Secret> {
        if !text.get(at..)?.starts_with(b"eyJ") {
            return None;
        }
        let url = |b: u8| Of::Url.holds(b);
        if at >= self.end {
            *self = Tokens { end: at + run(text, at, url, usize::MAX), failed: [false; 4] };
        }
        let header = self.end.saturating_sub(at);
        let failed = self.failed.get_mut(header % 4)?;
        if *failed || header > HEADER || text.get(self.end) != Some(&b'.') {
            return None;
        }
        *failed = true;
        let body_at = self.end + 1;
        let body = run(text, body_at, url, PART);
        let sign_at = body_at + body + 1;
        if body < 8 || text.get(body_at + body) != Some(&b'.') {
            return None;
        }
        let sign = run(text, sign_at, url, HEADER);
        let names = crate::base64::decode(text.get(at..self.end)?, |_| false)?.windows(5).any(|w| w == b"\"alg\"");
        (names && sign >= 20 && lively(text.get(sign_at..sign_at + sign)?)).then_some(Secret { at, len: sign_at + sign - at, kind: "JSON Web Token" })
    }
}

/// `scheme://user:password@host`, seen from its colon.
fn url(text: &[u8], at: usize) -> Option<Secret> {
    if !text.get(at..)?.starts_with(b"://") {
        return None;
    }
    let back = text.get(at.saturating_sub(24)..at)?.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-')).count();
    let start = at - back;
    let scheme = std::str::from_utf8(text.get(start..at)?).ok()?.to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) {
        return None;
    }
    let user = run(text, at + 3, plain, 64);
    let colon = at + 3 + user;
    let pass_at = colon + 1;
    let name = text.get(at + 3..colon)?;
    let pass = (user > 0 && text.get(colon) == Some(&b':')).then(|| password(text, pass_at, name)).flatten()?;
    let host_at = (text.get(pass_at + pass) == Some(&b'@')).then_some(pass_at + pass + 1)?;
    let host = run(text, host_at, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'), 200);
    let host_name = String::from_utf8_lossy(text.get(host_at..host_at + host)?).to_ascii_lowercase();
    let sample = host_name.contains("example") || host_name == "host" || host_name == "hostname" || host == 0;
    (!sample).then_some(Secret { at: start, len: host_at + host - start, kind: "password in an address" })
}

/// What may stand in a name or password that nobody quotes.
fn plain(b: u8) -> bool {
    b.is_ascii_graphic() && !matches!(b, b'/' | b'@' | b':' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'{' | b'}' | b'$' | b'(' | b')' | b'[' | b']' | b'|' | b',')
}

/// How long the password at `from` is, unless it is a word that stands for one, or the user's name.
fn password(text: &[u8], from: usize, user: &[u8]) -> Option<usize> {
    let len = run(text, from, plain, 200);
    let shown = text.get(from..from + len)?;
    let lower = String::from_utf8_lossy(shown).to_ascii_lowercase();
    let written = [
        "pass", "pwd", "secret", "changeme", "user", "xxx", "***", "...", "your", "token", "example", "12345", "admin", "root", "postgres", "key", "mysql",
        "guest", "test", "foo", "bar", "login", "access",
    ]
    .iter()
    .any(|w| lower.contains(w));
    let drawn = shown.iter().any(u8::is_ascii_digit) || shown.iter().any(u8::is_ascii_uppercase) || len >= 12;
    (len >= 6 && drawn && !written && !shown.eq_ignore_ascii_case(user)).then_some(len)
}

/// A password that is handed to a program on its command line: `curl -u user:password`, `sshpass -p password`.
fn handed(text: &[u8], at: usize) -> Option<Secret> {
    let rest = text.get(at..)?;
    let line = rest.get(..rest.len().min(400))?.split(|b| *b == b'\n').next()?;
    let behind = |flag: &[u8]| {
        let from = at + memchr::memmem::find(line, flag)? + flag.len();
        Some(from + run(text, from, |b| matches!(b, b' ' | b'"' | b'\'' | b'='), 3))
    };
    let (user, from) = if line.starts_with(b"sshpass ") {
        (&[][..], behind(b" -p")?)
    } else {
        let from = behind(b" -u").or_else(|| behind(b" --user"))?;
        let colon = from + run(text, from, plain, 64);
        (text.get(from..colon).filter(|user| !user.is_empty() && text.get(colon) == Some(&b':'))?, colon + 1)
    };
    password(text, from, user).map(|len| Secret { at: from, len, kind: "password" })
}

/// Credentials that are told by what stands around them: Kaggle's and Docker's files, headers and logins written out, and the tokens of
/// bots for Telegram and Discord.
fn phrased(text: &[u8], at: usize) -> Option<Secret> {
    let rest = text.get(at..)?;
    let rest = rest.get(..rest.len().min(400)).unwrap_or(rest);
    let (from, len, kind) = match rest.first()? {
        b'u' => kaggle(rest),
        b'a' => login(rest),
        b'B' if rest.starts_with(b"Bearer ") => return value(text, at + 7, "token"),
        b'p' if rest.starts_with(b"password ") => return value(text, at + 9, "password"),
        b'c' if rest.starts_with(b"curl ") => return handed(text, at),
        b's' if rest.starts_with(b"sshpass ") => return handed(text, at),
        b'0'..=b'9' => telegram(rest),
        b'M' | b'N' | b'O' => discord(rest),
        _ => None,
    }?;
    lively(rest.get(from..from + len)?).then_some(Secret { at: at + from, len, kind })
}

/// Where the value of a JSON key begins whose last quote stands before `from`.
fn member(rest: &[u8], from: usize) -> usize {
    from + run(rest, from, |b| matches!(b, b'"' | b':' | b' ' | b'\n' | b'\r' | b'\t'), 12)
}

/// `kaggle.json`.
fn kaggle(rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let key = rest.starts_with(b"username\"").then(|| rest.windows(5).position(|w| w == b"\"key\"")).flatten()?;
    let from = member(rest, key + 5);
    (run(rest, from, |b| Of::Hex.holds(b), 33) == 32).then_some((from, 32, "Kaggle key"))
}

/// A registry's login in Docker's configuration.
fn login(rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let from = rest.starts_with(b"auth\"").then(|| member(rest, 5))?;
    let len = run(rest, from, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='), 300);
    let login = crate::base64::decode(rest.get(from..from + len)?, |_| false)?;
    let colon = login.iter().position(|b| *b == b':')?;
    let plain = login.iter().all(u8::is_ascii_graphic) && login.len() > colon + 8 && lively(login.get(colon + 1..)?);
    plain.then_some((from, len, "login data"))
}

/// The number of a bot and its key.
fn telegram(rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let digits = run(rest, 0, |b| b.is_ascii_digit(), 11);
    let fits = (8..=10).contains(&digits) && rest.get(digits..digits + 3) == Some(b":AA") && run(rest, digits + 1, |b| Of::Url.holds(b), 100) == 35;
    fits.then_some((0, digits + 36, "Telegram token"))
}

/// The number of a bot, in letters that begin so while accounts are of this time; a time; and a key.
fn discord(rest: &[u8]) -> Option<(usize, usize, &'static str)> {
    let url = |from: usize| run(rest, from, |b| Of::Url.holds(b), 100);
    let first = url(0);
    let dots = (24..=28).contains(&first) && rest.get(first) == Some(&b'.') && url(first + 1) == 6 && rest.get(first + 7) == Some(&b'.');
    let key = dots.then(|| url(first + 8))?;
    (27..=40).contains(&key).then_some((0, first + 8 + key, "Discord token"))
}

/// A value without a shape, seen from the `=` or `:` in front of it: the name in front of that says that it is a credential.
fn named(text: &[u8], at: usize) -> Option<Secret> {
    let back = text.get(at.saturating_sub(48)..at)?;
    let back = back.trim_ascii_end().strip_suffix(b"\\").unwrap_or(back.trim_ascii_end());
    let back = back.strip_suffix(b"\\\"").or_else(|| back.strip_suffix(b"\"")).or_else(|| back.strip_suffix(b"'")).unwrap_or(back);
    let len = back.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    let name = back.get(back.len() - len..)?.to_ascii_lowercase();
    // Badges and meetings are shared with what stands in their addresses.
    if matches!(back.get(..back.len() - len)?.last(), Some(b'?' | b'&')) {
        return None;
    }
    let (_, kind) = NAMED.iter().find(|(n, _)| name.ends_with(n.as_bytes()))?;
    let from = at + run(text, at, |b| matches!(b, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=' | b'\t'), 12);
    let public = name.windows(4).any(|w| w == b"csrf" || w == b"publ");
    let word = name.strip_suffix(b"_token").is_some_and(|stem| WORDS.iter().any(|w| stem.ends_with(w)));
    if public || word { None } else { shaped(text, from).or_else(|| value(text, from, kind)) }
}

/// A run of letters at `from` that nobody would write by hand: digits among the letters, and no long word.
fn value(text: &[u8], from: usize, kind: &'static str) -> Option<Secret> {
    let len = run(text, from, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-' | b'~' | b'.' | b'!'), 201);
    let value = text.get(from..from + len)?;
    let (mut digits, mut letters, mut capitals, mut joints, mut word, mut longest) = (0, 0, 0, 0, 0, 0);
    for b in value {
        digits += usize::from(b.is_ascii_digit());
        letters += usize::from(b.is_ascii_alphabetic());
        capitals += usize::from(b.is_ascii_uppercase());
        joints += usize::from(matches!(b, b'_' | b'-' | b'.'));
        word = if b.is_ascii_lowercase() { word + 1 } else { 0 };
        longest = word.max(longest);
    }
    let called = matches!(text.get(from + len), Some(b'(' | b'[' | b'{' | b'<' | b'@'));
    let mixed = (digits >= 3 || digits > 0 && capitals >= 8) && letters >= 3;
    let words = longest > 8 || longest > 5 && joints > 1;
    let drawn = (16..=200).contains(&len) && mixed && !words && !value.starts_with(b"/") && !called;
    (drawn && lively(value)).then_some(Secret { at: from, len, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text.as_bytes()).into_iter().map(|s| s.kind).collect()
    }

    #[test]
    fn shapes_and_their_near_misses() {
        // Tokens are put together here, so that this file holds none.
        let good = format!("{}_{}", "ghp", "q8Zt3LmN0vXyB5wR7cKd2JfHs9PgAe41kVbM");
        assert_eq!(kinds(&format!("token: {good}")), ["GitHub token"]);
        let mut wrong = good.clone();
        wrong.pop();
        wrong.push('!');
        assert!(kinds(&wrong).is_empty());
        let hf = format!("{}_{}", "hf", "qWmZxTnRvBkLpYsDfGhJcKaVbNeMtUyXwZ");
        assert_eq!(kinds(&hf), ["Hugging Face token"]);
        assert!(kinds("hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx hf_transfer sk-learn AKIAIOSFODNN7EXAMPLE").is_empty());
        assert_eq!(kinds(&format!("\"{}://admin:q3wtXgyLFEXYWK@db.internal:5432/prod\"", "postgresql")), ["password in an address"]);
        assert!(kinds("postgresql://user:password@localhost/db https://github.com/a/b http://a:b@c").is_empty());
        for line in ["curl -s -u deploy:Zx81kQp92LmN https://h.internal/x", "sshpass -p 'Zx81kQp92' ssh deploy@h", "curl --user \"me:Zx81kQp92\" h"] {
            assert_eq!(kinds(line), ["password"], "{line}");
        }
        for line in ["curl -u user:password h", "curl -u $USER:$PASS h", "curl -u \"me\" h\nZ:Zx81kQp92", "sshpass -p $P ssh h", "curl https://h -o u"] {
            assert!(kinds(line).is_empty(), "{line}");
        }
        let key = "9f2c71d0b84ea6531c7d9e02f4ab86d35e10c97b";
        assert_eq!(kinds(&format!("api_key = \"{key}\"")), ["API key"]);
        assert_eq!(kinds(&format!("WANDB_API_KEY={key}")), ["Weights & Biases key"]);
        assert!(kinds(&format!("api_key = \"{}\" revision = \"{key}\"", "x".repeat(40))).is_empty());
        let pem = |body: &str| format!("-----BEGIN {0} PRIVATE KEY-----\n{body}\n-----END {0} PRIVATE KEY-----\n", "OPENSSH");
        let head = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW";
        assert_eq!(kinds(&pem(&format!("{head}\nQyNTUxOQAAACDZ7g3d1v0sJ8o9yqvVw6m0Q1rKxZb2Xn3qkC2JQGdF1w"))), ["private key"]);
        assert!(kinds(&pem(&"A".repeat(300))).is_empty());
        let jwt = format!("{}.4ijwuAXp8OX7yam8.dqFj5u53z4sF0w9s1xBF8rkRcbYR5CJnyn", "eyJhbGciOiJIUzI1NiJ9");
        assert_eq!(kinds(&jwt), ["JSON Web Token"]);
    }

    /// Beginnings of tokens and keys, thousands of them behind each other: a look at each must not go to the end of all.
    #[test]
    fn repeated_beginnings_cost_no_more_than_their_bytes() {
        let jwt = format!("{}.4ijwuAXp8OX7yam8.dqFj5u53z4sF0w9s1xBF8rkRcbYR5CJnyn", "eyJhbGciOiJIUzI1NiJ9");
        let body = "a1b2c3d4e5f6g7h8".repeat(1000);
        let units = [
            "-eyJ".to_string(),
            "eyJ.".into(),
            format!("{}.{body}.", "-eyJhbGci".repeat(400)),
            "-----BEGIN PRIVATE KEY-----".into(),
            "sk-proj-a1b2c3d4e5f6-".into(),
            "pypi-AgEIa1b2c3d4-".into(),
            "http://a:".into(),
            "ya29.".into(),
        ];
        for unit in units {
            let text = unit.repeat((1 << 20) / unit.len());
            let start = std::time::Instant::now();
            find(text.as_bytes());
            assert!(start.elapsed().as_secs_f64() < 2.0, "{} took {:?}", unit.get(..20.min(unit.len())).unwrap_or(""), start.elapsed());
        }
        // What follows many false beginnings is still found, and so is a token in a run of letters before it.
        assert_eq!(kinds(&format!("{} {jwt}", "-eyJ".repeat(5000))), ["JSON Web Token"]);
        assert_eq!(kinds(&format!("eyJ-eyJ-{jwt}")), ["JSON Web Token"]);
    }

    #[test]
    fn nothing_is_shown_whole() {
        let hf = format!("{}_{}", "hf", "qWmZxTnRvBkLpYsDfGhJcKaVbNeMtUyXwZ");
        let text = masked(&format!("a {hf} b"));
        assert!(!text.contains(&hf) && text.starts_with("a hf_") && text.ends_with(" b"), "{text}");
        assert_eq!(masked("plain"), "plain");
    }
}
