//! Text in an object's state that its class executes while it is filled: scipy's distributions write the source of three functions
//! into their own state and run it in `__setstate__` (`rv_generic._attach_argparser_methods`).

pub use weighstation_plain::run::TEMPLATE as KEY;

/// Whether a template is what scipy writes: definitions with names and plain defaults, that return names.
pub fn plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ' ' | '=' | '\'');
    text.lines().filter(|l| !l.trim().is_empty()).all(|line| {
        if let Some(rest) = line.strip_prefix("def _parse_args") {
            rest.split_once('(')
                .and_then(|(name, rest)| Some((name, rest.strip_suffix("):")?)))
                .is_some_and(|(name, args)| name.chars().all(word) && args.chars().all(word))
        } else {
            let body = line.strip_prefix("    return self._argcheck_rvs(").or_else(|| line.strip_prefix("    return ("));
            body.is_some_and(|rest| rest.chars().all(|c| word(c) || c == ')'))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_scipy_writes_is_plain() {
        let norm = "\ndef _parse_args(self,  loc=0, scale=1):\n    return (), loc, scale\n\ndef _parse_args_rvs(self,  loc=0, scale=1, size=None):\n    return self._argcheck_rvs( loc, scale, size=size)\n\ndef _parse_args_stats(self,  loc=0, scale=1, moments='mv'):\n    return (), loc, scale, moments\n";
        assert!(plain(norm));
        assert!(!plain("import os\nos.system('id')"));
        assert!(!plain(&norm.replace("loc=0", "loc=print(1)")));
        assert!(!plain(&norm.replace("    return (), loc, scale\n", "    return ()\nprint(1)\n")));
        assert!(!plain(&norm.replace("return ()", "return ().x()")));
    }
}
