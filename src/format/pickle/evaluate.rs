//! Text that a library evaluates as Python while it makes or fills an object.
//!
//! Sympy turns every text among the arguments of its classes into an expression (`sympify`, which ends in `eval`); what its own objects write
//! there are numbers, names and other expressions. Statsmodels keeps the formula of a model and evaluates it again while its data are filled
//! (`ModelData.__setstate__`); a formula is columns, operators and a few functions of arithmetic.

use super::machine::Machine;
use super::value::{Kind, Value};
pub use weighstation_plain::run::FORMULA as KEY;

/// How deep arguments are looked through; a matrix of vectors needs three.
const DEPTH: u32 = 6;
/// Characters of a formula.
const FORMULA: usize = 1 << 16;

/// Whether calls of a name evaluate text among their arguments. Symbols only keep theirs, as their names.
pub(super) fn evaluates(module: &str, name: &str) -> bool {
    let symbol = module == "sympy.core.symbol" && matches!(name, "Symbol" | "Dummy" | "Wild" | "Str");
    (module.starts_with("sympy.") || module == "sympy") && !symbol
}

/// The class whose state holds a formula that is evaluated.
pub(super) fn keeps_formula(module: &str) -> bool {
    module == "statsmodels.base.data"
}

/// The key of a formula's part, which formulaic evaluates when somebody asks for a table of the model's columns.
pub(super) const TERM: &str = "expr";

/// The classes that keep one, or are made of formulas.
pub(super) fn keeps_terms(module: &str) -> bool {
    module.starts_with("formulaic.")
}

/// The keys under which an object keeps the address of what machine code made for it.
pub(super) const ADDRESS: &[&str] = &["handle", "_handle"];

/// The class whose objects hand it to machine code when they go. What a library pickled of one has none.
pub(super) fn frees_address(module: &str, name: &str) -> bool {
    module == "lightgbm.basic" && name == "Dataset"
}

/// What `eval` makes nothing of but a number or the value of a name.
fn word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-')) && !text.contains("__")
}

impl Machine<'_> {
    /// Whether something among these arguments is text that would be evaluated, or might turn into such text.
    pub(super) fn has_code(&self, items: &[Value], depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return true };
        items.iter().any(|v| match v.kind() {
            Kind::Plain | Kind::None | Kind::Bool(_) | Kind::Int(_) | Kind::Global(_) => false,
            Kind::Str(_) => !self.string(*v).is_some_and(|text| word(&text)),
            Kind::Call { global, .. } => !self.computes(global),
            Kind::Dict(id) => self.pay(16).and_then(|()| self.data.slots.items(id)).is_none_or(|(inner, more)| more || self.has_code(inner, depth)),
            Kind::Tuple(_) | Kind::List(_) | Kind::Set(_) => self.whole_items(*v).is_none_or(|inner| self.has_code(&inner, depth)),
            Kind::Bytes(_) | Kind::Persistent(_) | Kind::Lost => true,
        })
    }

    /// [`Machine::has_code`] for all arguments of a call.
    pub(super) fn evaluated(&self, args: Value) -> bool {
        self.has_code(&[args], DEPTH)
    }

    /// Objects that no library turns into text: expressions, and numbers that mpmath rebuilds.
    fn computes(&self, global: u32) -> bool {
        self.globals.get(global as usize).is_some_and(|g| {
            g.module.starts_with("sympy.") || matches!((g.module.as_str(), g.name.as_str()), ("builtins" | "__builtin__", "complex" | "float" | "int" | "long"))
        })
    }

    /// Remembers an entry of a dictionary that would make a model evaluate something else than a formula.
    pub(super) fn note_formula(&mut self, key: Value, value: Value) {
        let strange = match self.string(key) {
            Some(key) if key != KEY || value.kind() == Kind::None => return,
            Some(_) => match self.text_of(value, FORMULA) {
                Some(text) if self.pay(8 * text.len() as u64).is_none() || formula(&text) => return,
                Some(text) => {
                    self.strange_term.get_or_insert(text.chars().take(400).collect());
                    text
                }
                None => self.show(value),
            },
            // An object may be equal to the key: a text of numpy's, say, but none of its numbers.
            None if self.is_number(key) => return,
            None => self.show(key),
        };
        self.strange_formula.get_or_insert(strange.chars().take(400).collect());
    }

    /// Remembers a text that is no part of a formula, under the key of one or among a formula's arguments.
    pub(super) fn note_term(&mut self, value: Value) {
        if let Some(text) = self.text_of(value, FORMULA)
            && self.pay(8 * text.len() as u64).is_some()
            && !formula(&text)
        {
            self.strange_term.get_or_insert(text.chars().take(400).collect());
        }
    }

    fn is_number(&self, v: Value) -> bool {
        let Kind::Call { global, .. } = v.kind() else { return false };
        if !self.globals.get(global as usize).is_some_and(|g| g.name == "scalar" && g.module.starts_with("numpy.")) {
            return false;
        }
        let kind = self.args_of(v).and_then(|args| self.args_of(*args.first()?)).and_then(|args| self.string(*args.first()?));
        kind.is_some_and(|k| k.trim_start_matches(['<', '>', '|', '=']).starts_with(['i', 'u', 'f', 'b', 'c', 'M', 'm']))
    }
}

/// Functions that formulas call: those of patsy and formulaic, and numpy's arithmetic.
const FUNCTIONS: &[&str] = &[
    "B", "C", "Diff", "Helmert", "I", "L", "Poly", "Q", "S", "Sum", "Treatment", "balanced", "bs", "cc", "center", "cr", "cs", "cumsum", "diff", "exp",
    "hashed", "lag", "lags", "log", "log10", "log2", "poly", "scale", "sqrt", "standardize", "te",
];
const ARITHMETIC: &[&str] = &[
    "abs", "arccos", "arcsin", "arcsinh", "arctan", "cbrt", "ceil", "clip", "cos", "cosh", "divide", "exp", "exp2", "expm1", "floor", "isnan", "log", "log10",
    "log1p", "log2", "maximum", "minimum", "multiply", "power", "round", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "where",
];

fn function(name: &str) -> bool {
    let number = name.strip_prefix("np.").or_else(|| name.strip_prefix("numpy."));
    number.map_or(FUNCTIONS, |_| ARITHMETIC).contains(&number.unwrap_or(name))
}

/// Whether a text is a formula of columns, operators and known functions.
fn formula(text: &str) -> bool {
    let mut rest = text;
    // What stands before a parenthesis decides whether that is a call.
    let (mut before, mut called) = ("", false);
    while let Some(c) = rest.chars().next() {
        let end = |found: Option<usize>| found.unwrap_or(rest.len());
        let here = match c {
            '"' | '\'' | '`' => {
                // A letter before it makes it another kind of text, one of which holds code.
                let inside = rest.get(1..).unwrap_or("");
                match inside.find(c) {
                    Some(close) if before.is_empty() && !inside.get(..close).is_some_and(|t| t.contains('\\')) => rest.get(..close + 2).unwrap_or(rest),
                    _ => return false,
                }
            }
            _ if c.is_alphanumeric() || c == '_' => rest.get(..end(rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))))).unwrap_or(rest),
            _ => rest.get(..c.len_utf8()).unwrap_or(rest),
        };
        rest = rest.get(here.len()..).unwrap_or("");
        match c {
            '(' if called && !function(before) => return false,
            '"' | '\'' | '`' | ')' | ']' | '}' => (before, called) = ("", true),
            _ if c.is_alphanumeric() || c == '_' => {
                if here.contains("__") || matches!(here, "lambda" | "for" | "yield" | "await") {
                    return false;
                }
                (before, called) = (here, true);
            }
            _ if c.is_whitespace() => {}
            '(' | '[' | '{' | '+' | '-' | '*' | '/' | ':' | '~' | '^' | '|' | '&' | ',' | '=' | '<' | '>' | '!' | '%' | '.' => (before, called) = ("", false),
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_code() {
        for plain in [
            "y ~ x1 + x2*x3 - 1",
            "np.log(income) ~ C(region, Treatment(reference='north')) + I(age**2)",
            "y ~ Q(\"weird name\") + bs(x, df=4, degree=3):group + (a + b)**2",
            "`some column` ~ np.where(x > 0, x, 0) | z",
            "",
        ] {
            assert!(formula(plain), "{plain}");
        }
        for code in [
            "y ~ I(__import__('os').system('id'))", "y ~ open('/etc/passwd').read()", "y ~ np.load('x.npy', allow_pickle=True)", "y ~ np.lib.os.system('id')",
            "y ~ I(f'{exec(1)}')", "y ~ x[0](1)", "y ~ ('a')('b')", "y ~ eval ('1')", "y ~ a if b else c; d", "y ~ 'open",
        ] {
            assert!(!formula(code), "{code}");
        }
    }

    #[test]
    fn words_evaluate_to_nothing_else() {
        assert!(word("x_1") && word("-1.5e7") && word("α"));
        assert!(!word("f(1)") && !word("__builtins__") && !word("a b") && !word("x[0]"));
    }
}
