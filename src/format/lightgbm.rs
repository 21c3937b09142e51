//! LightGBM's text models (`src/boosting/gbdt_model_text.cpp`): a header, one block a tree, feature importances, parameters.
//!
//! Nothing in them runs. The tree arrays are indexed unchecked by the predictor; the parameters may carry paths and more.

use super::tree::Children;
use super::{Format, Match, plain};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// Models of LightGBM.
pub const LIGHTGBM: Format = Format { id: "lightgbm", name: "LightGBM", extensions: &["txt", "model", "lgb", "lgbm"], refines: &["text"], probe, read };

/// Bytes of one line that are kept; the values of a tree's array are read through without keeping them.
const KEEP: usize = 64 * 1024;

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(256) else {
        return Match::No;
    };
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines();
    let first = lines.next().map(str::trim);
    if first == Some("tree") && lines.next().is_some_and(|l| l.starts_with("version=") || l.starts_with("num_class=")) { Match::Sure } else { Match::No }
}

/// One block `Tree=…`.
#[derive(Default)]
struct Tree {
    at: u64,
    leaves: Option<i64>,
    linear: bool,
    /// Elements of each array that has one entry a node or a leaf.
    counts: Vec<(&'static str, i64)>,
    children: Option<(i64, i64)>,
    seen: Children,
    split: Option<(i64, i64)>,
}

#[derive(Default)]
struct Model {
    features: Option<i64>,
    tree: Option<Tree>,
    trees: u64,
    leaves: u64,
    sizes: Option<u64>,
    ended: bool,
    in_parameters: bool,
}

/// Arrays by key: their name, and whether they have an entry for each leaf rather than for each split.
fn column(key: &str) -> Option<(&'static str, bool)> {
    [
        ("split_feature", false),
        ("threshold", false),
        ("left_child", false),
        ("right_child", false),
        ("decision_type", false),
        ("split_gain", false),
        ("leaf_value", true),
    ]
    .into_iter()
    .find(|(k, _)| *k == key)
}

fn fault(view: View<'_>, at: u64, what: &'static str, detail: String, memory: bool, scan: &mut Scan<'_>) {
    scan.state(view, at, 16.min(view.len().saturating_sub(at)), Fact::Header { what, detail: detail.chars().take(200).collect(), memory });
}

/// Reads lines of any length through one window: key and value are cut, long values are counted where they stand.
fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    let mut model = Model::default();
    let mut chunk = view.room(256 * 1024);
    let (mut at, mut line_at) = (0u64, 0u64);
    let mut line: Vec<u8> = Vec::new();
    let mut cut = false;
    let mut end: Option<u64> = None;
    while at < view.len() {
        let n = view.read(at, &mut chunk)?;
        if n == 0 {
            break;
        }
        for piece in chunk.get(..n).unwrap_or(&[]).split_inclusive(|b| *b == b'\n') {
            let room = (32 << 20) - line.len().min(32 << 20);
            cut |= piece.len() > room;
            line.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or(&[]));
            at += piece.len() as u64;
            if piece.ends_with(b"\n") {
                model.line(view, line_at, &line, scan);
                // What pandas called its categories is the last line (`basic.py`, `_dump_pandas_categorical`).
                if line.starts_with(b"pandas_categorical:") && end.is_none() {
                    end = Some(at);
                }
                line.clear();
                line_at = at;
            }
        }
    }
    if cut {
        scan.gap("limit-settings");
    }
    model.line(view, line_at, &line, scan);
    model.close(view, scan);
    if let Some(end) = end {
        let rest = view.rest(end);
        if !rest.head(4096)?.iter().all(u8::is_ascii_whitespace) {
            super::stray(view, end, scan);
        }
    }
    if !model.ended || model.in_parameters {
        fault(view, view.len().saturating_sub(1), "ends-early", "no end of trees".into(), false, scan);
        scan.gap("malformed");
    }
    if let Some(sizes) = model.sizes
        && sizes != model.trees
    {
        fault(view, 0, "tree-count", format!("{sizes} sizes, {} trees", model.trees), true, scan);
    }
    scan.leaf("trees", "trees", None, Some(format!("{} trees, {} leaves", model.trees, model.leaves)));
    scan.state(view, 0, 4, Fact::Tensor(Tensor { name: "leaf values".into(), dtype: "F64".into(), shape: vec![model.leaves], bytes: 0 }));
    Ok(())
}

impl Model {
    fn line(&mut self, view: View<'_>, at: u64, line: &[u8], scan: &mut Scan<'_>) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text == "end of trees" {
            self.ended = true;
            self.close(view, scan);
        } else if text == "parameters:" {
            self.in_parameters = true;
        } else if text == "end of parameters" {
            self.in_parameters = false;
        } else if self.in_parameters {
            self.parameter(view, at, text, scan);
        } else if let Some((key, value)) = text.split_once('=') {
            self.pair(view, at, key, value, scan);
        }
    }

    fn parameter(&mut self, view: View<'_>, at: u64, text: &str, scan: &mut Scan<'_>) {
        let Some((key, value)) = text.trim_start_matches('[').trim_end_matches(']').split_once(':') else {
            return;
        };
        let value = value.trim();
        // Numbers, words, paths and lists are what parameters are; a call is somebody's code.
        if value.contains('(') && value.contains(')') {
            scan.state(
                view,
                at,
                text.len() as u64,
                Fact::OwnCode { kind: "parameter", name: format!("{key}: {}", value.chars().take(100).collect::<String>()) },
            );
        } else if !value.is_empty()
            && matches!(
                key,
                "objective"
                    | "boosting"
                    | "data"
                    | "input_model"
                    | "output_model"
                    | "machines"
                    | "machine_list_filename"
                    | "forcedsplits_filename"
                    | "parser_config_file"
            )
        {
            scan.state(view, at, text.len() as u64, Fact::Metadata { key: key.to_string(), value: value.to_string() });
        }
    }

    fn pair(&mut self, view: View<'_>, at: u64, key: &str, value: &str, scan: &mut Scan<'_>) {
        if key == "Tree" {
            self.close(view, scan);
            self.tree = Some(Tree { at, ..Tree::default() });
            return;
        }
        let Some(tree) = self.tree.as_mut() else {
            match key {
                "max_feature_idx" => self.features = value.trim().parse::<i64>().ok().and_then(|n| n.checked_add(1)),
                "tree_sizes" => {
                    self.sizes = Some(value.split_whitespace().count() as u64);
                    let limit = view.len();
                    if let Some(bad) = value.split_whitespace().find(|s| s.parse::<u64>().map_or(true, |n| n > limit)) {
                        fault(view, at, "tree-size", format!("{bad} of {limit}"), true, scan);
                    }
                }
                "objective" | "version" | "num_class" => {
                    scan.state(view, at, (key.len() + value.len()) as u64, Fact::Metadata { key: key.into(), value: value.chars().take(KEEP).collect() })
                }
                _ => {}
            }
            return;
        };
        match key {
            "num_leaves" => tree.leaves = value.trim().parse().ok(),
            "is_linear" => tree.linear = value.trim() == "1",
            // The features that a leaf's own model multiplies.
            "leaf_features" => {
                for word in value.split_whitespace() {
                    let n = word.parse::<i64>().unwrap_or(i64::MAX);
                    let (least, most) = tree.split.unwrap_or((n, n));
                    tree.split = Some((least.min(n), most.max(n)));
                }
            }
            _ => {
                let Some((name, _)) = column(key) else { return };
                let mut count = 0;
                for word in value.split_whitespace() {
                    count += 1;
                    if matches!(name, "left_child" | "right_child" | "split_feature") {
                        let n = word.parse::<i64>().unwrap_or(i64::MAX);
                        let slot = if name == "split_feature" { &mut tree.split } else { &mut tree.children };
                        let (least, most) = slot.unwrap_or((n, n));
                        *slot = Some((least.min(n), most.max(n)));
                        if name != "split_feature" {
                            // Leaves are written as complements: both kinds are counted in one row.
                            let row = n.saturating_mul(2);
                            tree.seen.add(if n < 0 { row.saturating_neg().saturating_sub(1) } else { row });
                        }
                    }
                }
                tree.counts.push((name, count));
            }
        }
    }

    /// Compares a tree's arrays with one another.
    fn close(&mut self, view: View<'_>, scan: &mut Scan<'_>) {
        let Some(tree) = self.tree.take() else { return };
        self.trees += 1;
        let Some(leaves) = tree.leaves.filter(|n| *n >= 1) else {
            fault(view, tree.at, "tree-size", "num_leaves".into(), true, scan);
            return;
        };
        self.leaves = self.leaves.saturating_add(u64::try_from(leaves).unwrap_or(0));
        for (name, count) in &tree.counts {
            let want = if column(name).is_some_and(|c| c.1) { leaves } else { leaves - 1 };
            // A tree of one leaf may keep an empty entry.
            if *count != want && leaves > 1 && !tree.linear {
                fault(view, tree.at, "tree-size", format!("{name}: {count} for {leaves} leaves"), true, scan);
                return;
            }
        }
        if leaves > 1
            && let Some((least, most)) = tree.children
            // A leaf is written as the complement of its number.
            && (most >= leaves - 1 || least < -leaves || tree.seen.crossed())
        {
            fault(view, tree.at, "tree-child", format!("{least}..{most} of {leaves} leaves"), true, scan);
        }
        if let Some((features, (least, most))) = self.features.zip(tree.split)
            && leaves > 1
            && (least < 0 || most >= features)
        {
            fault(view, tree.at, "tree-feature", format!("{most} of {features}"), true, scan);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn model(left: &str, parameter: &str) -> Vec<u8> {
        format!("tree\nversion=v4\nnum_class=1\nmax_feature_idx=1\nfeature_names=a b\ntree_sizes=99\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\nleft_child={left}\nright_child=-2\nleaf_value=1 2\n\n\nend of trees\n\nparameters:\n[boosting: gbdt]\n[{parameter}]\nend of parameters\n").into_bytes()
    }

    #[test]
    fn indices_and_parameters() {
        let verdict = |bytes: Vec<u8>| crate::scan(&bytes, "m.txt", Lang::En).verdict;
        assert_eq!(verdict(model("-1", "objective: binary sigmoid:1")), Verdict::Clear);
        assert_eq!(verdict(model("7", "objective: binary")), Verdict::Dangerous);
        assert_eq!(verdict(model("-9", "objective: binary")), Verdict::Dangerous);
        assert_eq!(verdict(model("99999999999999999999", "objective: binary")), Verdict::Dangerous);
        assert_eq!(verdict(model("-1", "init: os.system(\"x\")")), Verdict::Suspicious);
    }
}
