//! XGBoost models: JSON and UBJSON since 1.0 (`doc/model.schema`), and the binary before (`src/learner.cc`, `src/gbm/gbtree_model.h`,
//! `include/xgboost/tree_model.h` of 0.x and 1.x).
//!
//! Nothing in them runs. They are attacked through tree arrays whose indices leave the tree: the predictor follows them unchecked.

use super::json::{self, Event, Reader};
use super::tree::Children;
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// JSON models.
pub const JSON: Format =
    Format { id: "xgboost-json", name: "XGBoost (JSON)", extensions: &["json"], refines: &["json", "text"], probe: probe_json, read: read_json };

/// UBJSON models, also under `.bin` and `.model` since 3.0, and inside of pickles.
pub const UBJ: Format =
    Format { id: "xgboost-ubj", name: "XGBoost (UBJSON)", extensions: &["ubj", "model", "bin"], refines: &[], probe: probe_ubj, read: read_ubj };

/// The deprecated binary.
pub const BINARY: Format =
    Format { id: "xgboost-binary", name: "XGBoost (old binary)", extensions: &["model", "bin"], refines: &[], probe: probe_binary, read: read_binary };

/// Containers inside of one another; models have eight.
const DEPTH: usize = 64;

/// Faults that are stated one by one.
const FAULTS: u32 = 200;

/// Marks a node that was pruned away.
const DELETED: i64 = 0x7fff_ffff;

fn probe_json(view: View<'_>) -> Match {
    if !json::looks_like(view) {
        return Match::No;
    }
    let mut r = Reader::new(view, 0, view.len().min(64 * 1024), 64);
    if !matches!(r.advance(), Ok(Some(Event::Object))) {
        return Match::No;
    }
    for _ in 0..8 {
        match r.advance() {
            Ok(Some(Event::Key)) if r.text() == "learner" => {
                return if matches!(r.advance(), Ok(Some(Event::Object))) { Match::Sure } else { Match::No };
            }
            Ok(Some(Event::Key)) if r.text() == "version" => {}
            Ok(Some(Event::Array | Event::Number | Event::Close)) => {}
            _ => break,
        }
    }
    Match::No
}

fn probe_ubj(view: View<'_>) -> Match {
    let Ok(head) = view.head(24) else {
        return Match::No;
    };
    let key = match head.as_slice() {
        [b'{', b'L', 0, 0, 0, 0, 0, 0, 0, n, rest @ ..]
        | [b'{', b'i' | b'U', n, rest @ ..]
        | [b'{', b'I', 0, n, rest @ ..]
        | [b'{', b'l', 0, 0, 0, n, rest @ ..] => rest.get(..usize::from(*n)),
        _ => None,
    };
    if key.is_some_and(|k| matches!(k, b"learner" | b"version" | b"Config" | b"Model")) { Match::Sure } else { Match::No }
}

/// What one tree's arrays say, until its end allows to compare them.
#[derive(Default)]
struct Tree {
    at: u64,
    nodes: Option<i64>,
    features: i64,
    /// Lengths of the arrays that have one entry a node.
    lengths: Vec<(&'static str, u64)>,
    /// Least and greatest child.
    children: Option<(i64, i64)>,
    seen: Children,
    /// Nodes without a left child; where leaves have several values, their right child is the place of these.
    leaves: Children,
    /// A node has a left child and no right one.
    half: bool,
    /// Greatest node that another array names.
    named: i64,
    /// Where each node's categories begin, how far one of them reaches, and how many categories there are.
    segments: Vec<i64>,
    reach: i64,
    categories: u64,
    /// Greatest feature.
    split: i64,
}

/// Follows the keys of either notation and compares the trees.
struct Model<'s> {
    view: View<'s>,
    /// Keys of the open containers.
    path: Vec<(String, u64)>,
    tree: Option<(usize, Tree)>,
    trees: u64,
    nodes: u64,
    claimed: Option<(i64, u64)>,
    features: i64,
    split: i64,
    faults: u32,
}

/// The arrays that are compared, by key.
fn column(key: &str) -> Option<&'static str> {
    ["left_children", "right_children", "split_indices", "parents", "default_left", "split_conditions"].into_iter().find(|c| *c == key)
}

impl<'s> Model<'s> {
    fn new(view: View<'s>) -> Self {
        Model { view, path: Vec::new(), tree: None, trees: 0, nodes: 0, claimed: None, features: 0, split: -1, faults: 0 }
    }

    fn fault(&mut self, at: u64, len: u64, what: &'static str, detail: String, scan: &mut Scan<'_>) {
        self.faults += 1;
        if self.faults <= FAULTS {
            scan.state(self.view, at, len.max(1), Fact::Header { what, detail, memory: true });
        }
    }

    fn key(&self) -> &str {
        self.path.last().map_or("", |p| p.0.as_str())
    }

    fn open(&mut self, key: String, at: u64) {
        let in_trees = self.key() == "trees";
        self.path.push((key, 0));
        if in_trees && self.tree.is_none() {
            self.tree = Some((self.path.len(), Tree { at, split: -1, ..Tree::default() }));
        }
    }

    fn close(&mut self, at: u64, scan: &mut Scan<'_>) {
        if let Some((key, count)) = self.path.last()
            && let Some((_, tree)) = self.tree.as_mut()
        {
            if let Some(name) = column(key) {
                tree.lengths.push((name, *count));
            } else if key == "categories" {
                tree.categories = *count;
            }
        }
        if self.tree.as_ref().is_some_and(|(depth, _)| *depth == self.path.len())
            && let Some((_, tree)) = self.tree.take()
        {
            self.compare(tree, at, scan);
        }
        self.path.pop();
    }

    fn compare(&mut self, tree: Tree, end: u64, scan: &mut Scan<'_>) {
        self.trees += 1;
        let (at, len) = (tree.at, end.saturating_sub(tree.at));
        let Some(nodes) = tree.nodes else {
            self.fault(at, len, "tree-size", "no number of nodes".into(), scan);
            return;
        };
        self.nodes = self.nodes.saturating_add(u64::try_from(nodes).unwrap_or(0));
        for (name, length) in &tree.lengths {
            if i64::try_from(*length) != Ok(nodes) {
                self.fault(at, len, "tree-size", format!("{name}: {length} of {nodes} nodes"), scan);
                return;
            }
        }
        if let Some((least, most)) = tree.children
            && (least < -1 || most >= nodes || tree.seen.crossed() || tree.half)
        {
            self.fault(at, len, "tree-child", format!("{least}..{most} of {nodes} nodes"), scan);
        } else if tree.named >= nodes && nodes > 0 {
            self.fault(at, len, "tree-child", format!("{} of {nodes} nodes", tree.named), scan);
        } else if u64::try_from(tree.reach).unwrap_or(0) > tree.categories {
            self.fault(at, len, "tree-size", format!("{} of {} categories", tree.reach, tree.categories), scan);
        }
        if tree.features > 0 && tree.split >= tree.features {
            self.fault(at, len, "tree-feature", format!("{} of {}", tree.split, tree.features), scan);
        }
        self.split = self.split.max(tree.split);
    }

    /// An element of one of the compared arrays.
    fn element(&mut self, n: i64) {
        let Some((key, count)) = self.path.last_mut() else {
            return;
        };
        *count += 1;
        let Some((_, tree)) = self.tree.as_mut() else {
            return;
        };
        match key.as_str() {
            "left_children" | "right_children" => {
                let (least, most) = tree.children.unwrap_or((n, n));
                tree.children = Some((least.min(n), most.max(n)));
                let node = count.saturating_sub(1);
                match key.as_str() {
                    "left_children" if n < 0 => tree.leaves.add(i64::try_from(node).unwrap_or(-1)),
                    "left_children" => tree.seen.add(n),
                    _ if tree.leaves.has(node) || node >= Children::MOST => {}
                    _ => {
                        tree.half |= n < 0;
                        tree.seen.add(n);
                    }
                }
            }
            // The root has no parent, which is written as the greatest number or as -1.
            "parents" | "categories_nodes" if n != DELETED => tree.named = tree.named.max(if n < -1 { i64::MAX } else { n }),
            "categories_segments" if tree.segments.len() < 1 << 20 => tree.segments.push(n),
            "categories_sizes" => {
                let begin = usize::try_from(*count - 1).ok().and_then(|i| tree.segments.get(i)).copied().unwrap_or(0);
                tree.reach = tree.reach.max(if n < 0 || begin < 0 { i64::MAX } else { begin.saturating_add(n) });
            }
            "split_indices" if n != DELETED && n != i64::from(u32::MAX) => tree.split = tree.split.max(if n < 0 { i64::MAX } else { n }),
            _ => {}
        }
    }

    /// A number or text behind a key.
    fn scalar(&mut self, key: &str, text: &str, at: u64, len: u64, scan: &mut Scan<'_>) {
        let parent = self.key();
        let number = text.parse::<i64>().ok();
        match (parent, key) {
            ("tree_param", "num_nodes") => {
                if let Some((_, tree)) = self.tree.as_mut() {
                    tree.nodes = number.filter(|n| *n >= 0);
                }
            }
            ("tree_param", "num_feature") => {
                if let Some((_, tree)) = self.tree.as_mut() {
                    tree.features = number.unwrap_or(0);
                }
            }
            // The settings of a booster (`save_config`) say the number of trees and hold none.
            ("gbtree_model_param", "num_trees") if self.path.iter().any(|(k, _)| k == "model") => self.claimed = number.map(|n| (n, at)),
            ("learner_model_param", "num_feature") => self.features = number.unwrap_or(0),
            ("objective", "name") | ("learner_model_param", "base_score" | "num_class") | ("gradient_booster", "name") => {
                scan.state(self.view, at, len, Fact::Metadata { key: format!("{parent}.{key}"), value: text.to_string() });
            }
            ("attributes", _) => {
                super::setting::metadata(self.view, at, len, text, scan);
                scan.state(self.view, at, len, Fact::Metadata { key: format!("attributes.{key}"), value: text.to_string() })
            }
            _ => {}
        }
    }

    fn finish(mut self, scan: &mut Scan<'_>) {
        if let Some((claimed, at)) = self.claimed
            && i64::try_from(self.trees) != Ok(claimed)
        {
            self.fault(at, 8, "tree-count", format!("{claimed}, there are {}", self.trees), scan);
        }
        if self.features > 0 && self.split >= self.features && self.split != i64::MAX {
            self.fault(0, 8, "tree-feature", format!("{} of {}", self.split, self.features), scan);
        }
        if self.trees > 0 {
            scan.leaf("trees", "trees", None, Some(format!("{} trees, {} nodes", self.trees, self.nodes)));
            let tensor = Tensor { name: "trees".into(), dtype: "F32".into(), shape: vec![self.nodes], bytes: 0 };
            scan.state(self.view, 0, self.view.len().min(16), Fact::Tensor(tensor));
        }
    }
}

fn read_json(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    json::read(view, scan)?;
    let mut r = Reader::new(view, 0, view.len(), 4096);
    let mut model = Model::new(view);
    let mut key = String::new();
    while let Some(event) = r.advance()? {
        let (at, len) = (r.start(), r.len());
        match event {
            Event::Object | Event::Array => model.open(std::mem::take(&mut key), at),
            Event::Close => model.close(r.at(), scan),
            Event::Key => key = r.text().chars().take(256).collect(),
            Event::Number | Event::String | Event::Bool(_) if key.is_empty() => {
                let text = r.text();
                model.element(match event {
                    Event::Bool(_) => 0,
                    _ => text.parse::<i64>().unwrap_or(if text.contains(['.', 'e', 'E', 'N', 'I']) { 0 } else { i64::MAX }),
                });
            }
            Event::Number | Event::String => {
                let text = r.text().into_owned();
                model.scalar(&std::mem::take(&mut key), &text, at, len, scan);
            }
            Event::Bool(_) | Event::Null => key.clear(),
        }
    }
    model.finish(scan);
    Ok(())
}

/// An open container of UBJSON.
struct Level {
    object: bool,
    /// Elements left, where the container counts them.
    left: Option<u64>,
    /// Type of every element, where the container says so.
    kind: Option<u8>,
}

struct Ubj<'s> {
    view: View<'s>,
    at: u64,
}

impl Ubj<'_> {
    fn byte(&mut self) -> Result<u8> {
        let [b] = self.view.array(self.at)?;
        self.at += 1;
        Ok(b)
    }

    /// Bytes of a number.
    fn width(kind: u8) -> Option<u64> {
        Some(match kind {
            b'Z' | b'T' | b'F' | b'N' => 0,
            b'i' | b'U' | b'C' => 1,
            b'I' | b'u' => 2,
            b'l' | b'm' | b'd' => 4,
            b'L' | b'M' | b'D' => 8,
            _ => return None,
        })
    }

    fn integer(&mut self, kind: u8) -> Result<i64> {
        let at = self.at;
        let v = self.view;
        let n = match kind {
            b'i' => v.array::<1>(at).map(|b| i64::from(i8::from_be_bytes(b)))?,
            b'U' | b'C' => v.array::<1>(at).map(|b| i64::from(u8::from_be_bytes(b)))?,
            b'I' => v.array::<2>(at).map(|b| i64::from(i16::from_be_bytes(b)))?,
            b'u' => v.array::<2>(at).map(|b| i64::from(u16::from_be_bytes(b)))?,
            b'l' => v.array::<4>(at).map(|b| i64::from(i32::from_be_bytes(b)))?,
            b'm' => v.array::<4>(at).map(|b| i64::from(u32::from_be_bytes(b)))?,
            b'L' => v.array::<8>(at).map(i64::from_be_bytes)?,
            b'M' => v.array::<8>(at).map(|b| i64::try_from(u64::from_be_bytes(b)).unwrap_or(i64::MAX))?,
            _ => return Err(Error::malformed(at, "ubj-number")),
        };
        self.at += Ubj::width(kind).unwrap_or(0);
        Ok(n)
    }

    /// A length that the rest of the file can hold.
    fn length(&mut self) -> Result<u64> {
        let at = self.at;
        let kind = self.byte()?;
        u64::try_from(self.integer(kind)?).map_err(|_| Error::malformed(at, "ubj-length"))
    }

    fn text(&mut self) -> Result<(String, u64, u64)> {
        let n = self.length()?;
        let from = self.at;
        if n > self.view.len().saturating_sub(from) {
            return Err(Error::malformed(from, "past-end"));
        }
        let bytes = self.view.take(from, n.min(4096), 4096)?;
        self.at += n;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), from, n))
    }

    /// What stands behind an opening bracket: `$` type, `#` count.
    fn level(&mut self, object: bool) -> Result<Level> {
        let mut level = Level { object, left: None, kind: None };
        let at = self.at;
        if self.view.has(self.at, b"$") {
            self.at += 1;
            level.kind = Some(self.byte()?);
        }
        if self.view.has(self.at, b"#") {
            self.at += 1;
            let n = self.length()?;
            let least = level.kind.map_or(1, |k| Ubj::width(k).unwrap_or(1));
            // Elements without bytes of their own could be counted without end.
            if n.checked_mul(least.max(1)).is_none_or(|b| b > self.view.len().saturating_sub(self.at)) {
                // More than the whole file could ever have held was not cut off, it was made up.
                return Err(if n > self.view.len() { Error::malformed(at, "ubj-count") } else { Error::malformed(at, "ubj-length") });
            }
            level.left = Some(n);
        } else if level.kind.is_some() {
            return Err(Error::malformed(at, "ubj-type"));
        }
        Ok(level)
    }
}

fn read_ubj(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let done = ubj(view, scan);
    if let Err(Error::Malformed { at, what: what @ "ubj-count" }) = done {
        scan.state(view, at, 8, Fact::Header { what, detail: format!("at {at}"), memory: true });
    }
    done
}

fn ubj(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut u = Ubj { view, at: 1 };
    let mut model = Model::new(view);
    let mut levels = vec![u.level(true)?];
    model.open(String::new(), 0);
    while let Some(level) = levels.last_mut() {
        let ended = match level.left {
            Some(0) => true,
            Some(_) => false,
            None => view.has(u.at, if level.object { b"}" } else { b"]" }),
        };
        if ended {
            u.at += u64::from(level.left.is_none());
            levels.pop();
            model.close(u.at, scan);
            continue;
        }
        if let Some(n) = level.left.as_mut() {
            *n -= 1;
        }
        let (object, fixed, left) = (level.object, level.kind, level.left);
        let key = if object { u.text()?.0 } else { String::new() };
        let kind = match fixed {
            Some(kind) => kind,
            None => u.byte()?,
        };
        // A run of numbers of one type is passed over, unless its values matter.
        if let (Some(kind), Some(rest), false) = (fixed, left, object)
            && let Some(width) = Ubj::width(kind)
        {
            run(&mut u, &mut model, kind, width, rest + 1)?;
            if let Some(level) = levels.last_mut() {
                level.left = Some(0);
            }
            continue;
        }
        match kind {
            b'{' | b'[' => {
                if levels.len() >= DEPTH {
                    return Err(Error::limit(u.at, "ubj-depth"));
                }
                let at = u.at - 1;
                let level = u.level(kind == b'{')?;
                levels.push(level);
                model.open(key, at);
            }
            b'S' | b'H' => {
                let (text, at, len) = u.text()?;
                if object {
                    model.scalar(&key, &text, at, len, scan);
                } else {
                    model.element(0);
                }
            }
            b'd' | b'D' => {
                u.at += Ubj::width(kind).unwrap_or(0);
                model.element(0);
            }
            b'Z' | b'T' | b'F' | b'N' => model.element(0),
            b'C' | b'i' | b'U' | b'I' | b'u' | b'l' | b'm' | b'L' | b'M' => {
                let at = u.at;
                let n = u.integer(kind)?;
                if object {
                    model.scalar(&key, &n.to_string(), at, u.at - at, scan);
                } else {
                    model.element(n);
                }
            }
            _ => return Err(Error::malformed(u.at - 1, "ubj-type")),
        }
        if u.at > view.len() {
            return Err(Error::malformed(view.len(), "past-end"));
        }
    }
    model.finish(scan);
    super::stray(view, u.at, scan);
    Ok(())
}

/// `n` numbers of one type.
fn run(u: &mut Ubj<'_>, model: &mut Model<'_>, kind: u8, width: u64, n: u64) -> Result<()> {
    let matters = matches!(model.key(), "left_children" | "right_children" | "split_indices") && !matches!(kind, b'd' | b'D');
    if matters && width > 0 {
        for _ in 0..n {
            let value = u.integer(kind)?;
            model.element(value);
        }
        return Ok(());
    }
    match n.checked_mul(width) {
        Some(bytes) if bytes <= u.view.len().saturating_sub(u.at) => u.at += bytes,
        _ => return Err(Error::malformed(u.at, "past-end")),
    }
    if let Some((_, count)) = model.path.last_mut() {
        *count += n;
    }
    Ok(())
}

/// Offset of the parameters, if objective and booster stand behind them.
fn binary_start(view: View<'_>) -> Option<(u64, String, String, u64)> {
    let from = if view.has(0, b"binf") { 4 } else { 0 };
    let text = |at: u64| -> Option<(String, u64)> {
        let n = view.u64(at).ok().filter(|n| (1..64).contains(n))?;
        let bytes = view.take(at + 8, n, 64).ok()?;
        let plain = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b':' | b'_' | b'-'));
        plain.then(|| (String::from_utf8_lossy(&bytes).into_owned(), at + 8 + n))
    };
    let (objective, at) = text(from + 136)?;
    let (booster, at) = text(at)?;
    matches!(booster.as_str(), "gbtree" | "gblinear" | "dart").then_some((from, objective, booster, at))
}

fn probe_binary(view: View<'_>) -> Match {
    if view.len() > 160 && binary_start(view).is_some() { Match::Sure } else { Match::No }
}

fn read_binary(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (from, objective, booster, mut at) = binary_start(view).ok_or(Error::malformed(0, "xgboost-header"))?;
    let features = view.u32(from + 4)?;
    let attributes = view.u32(from + 12)? != 0;
    for (key, value) in
        [("objective.name", objective.clone()), ("gradient_booster.name", booster.clone()), ("learner_model_param.num_feature", features.to_string())]
    {
        scan.state(view, from, 136, Fact::Metadata { key: key.into(), value });
    }
    if booster == "gblinear" {
        at += 136;
        let n = view.u64(at)?;
        at = skip(view, at + 8, n, 4)?;
    } else {
        at = trees(view, at, i64::from(features), scan)?;
        if booster == "dart" {
            let n = view.u64(at)?;
            at = skip(view, at + 8, n, 4)?;
        }
    }
    if attributes {
        let n = view.u64(at)?;
        at += 8;
        for _ in 0..n {
            let mut pair = [String::new(), String::new()];
            let start = at;
            for slot in &mut pair {
                let len = view.u64(at)?;
                *slot = String::from_utf8_lossy(&view.take(at + 8, len, 1 << 20)?).into_owned();
                at += 8 + len;
            }
            let [key, value] = pair;
            super::setting::metadata(view, start, at - start, &value, scan);
            scan.state(view, start, at - start, Fact::Metadata { key: format!("attributes.{key}"), value });
        }
    }
    // Metrics and settings of some objectives follow: short texts.
    let tail = view.rest(at);
    if tail.len() > 4096 || super::sure(tail) {
        super::stray(view, at, scan);
    }
    Ok(())
}

fn skip(view: View<'_>, at: u64, n: u64, width: u64) -> Result<u64> {
    match n.checked_mul(width) {
        Some(bytes) if bytes <= view.len().saturating_sub(at) => Ok(at + bytes),
        _ => Err(Error::malformed(at, "past-end")),
    }
}

/// The trees of `gbtree` and `dart`: nodes of 20 bytes, statistics of 16.
fn trees(view: View<'_>, mut at: u64, features: i64, scan: &mut Scan<'_>) -> Result<u64> {
    let mut model = Model::new(view);
    let count = view.u32(at)? as i32;
    model.claimed = Some((i64::from(count), at));
    model.features = features;
    at += 160;
    for _ in 0..count.max(0) {
        let nodes = view.u32(at + 4)? as i32;
        let leaves = view.u32(at + 20)?;
        let start = at;
        at += 148;
        let n = u64::try_from(nodes).map_err(|_| Error::malformed(start, "tree-size"))?;
        let end = skip(view, at, n, 36)?;
        let mut tree = Tree { at: start, nodes: Some(i64::from(nodes)), features, split: -1, ..Tree::default() };
        for i in 0..n {
            let node = view.array::<20>(at + i * 20)?;
            let word = |k: usize| node.get(k..k + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map_or(0, u32::from_le_bytes);
            let (left, right, split) = (i64::from(word(4) as i32), i64::from(word(8) as i32), word(12));
            if split == u32::MAX {
                continue;
            }
            // The field is a number for a leaf, a feature for a split.
            let (least, most) = tree.children.unwrap_or((left, left));
            tree.children = Some(if left == -1 { (least.min(left), most.max(left)) } else { (least.min(left).min(right), most.max(left).max(right)) });
            if left != -1 {
                tree.split = tree.split.max(i64::from(split & 0x7fff_ffff));
            }
        }
        model.compare(tree, end, scan);
        at = end;
        // Since 2.0 a leaf of one number says so, and has no vector.
        if leaves > 1 {
            let n = view.u64(at)?;
            at = skip(view, at + 8, n, 4)?;
        }
    }
    at = skip(view, at, u64::try_from(count).unwrap_or(0), 4)?;
    model.finish(scan);
    Ok(at)
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn model(nodes: &str, left: &str, trees: &str) -> String {
        format!(
            r#"{{"learner":{{"attributes":{{}},"gradient_booster":{{"model":{{"gbtree_model_param":{{"num_trees":"{trees}"}},"trees":[{{"left_children":{left},"right_children":[2,-1,-1],"split_indices":[0,0,0],"tree_param":{{"num_feature":"4","num_nodes":"{nodes}"}}}}]}},"name":"gbtree"}},"learner_model_param":{{"num_feature":"4"}}}},"version":[2,0,0]}}"#
        )
    }

    /// The same model in UBJSON, counts and types as XGBoost writes them.
    fn ubj(value: &serde_json::Value, out: &mut Vec<u8>) {
        let text = |s: &str, out: &mut Vec<u8>| {
            out.push(b'L');
            out.extend_from_slice(&(s.len() as i64).to_be_bytes());
            out.extend_from_slice(s.as_bytes());
        };
        match value {
            serde_json::Value::Object(map) => {
                out.push(b'{');
                for (k, v) in map {
                    text(k, out);
                    ubj(v, out);
                }
                out.push(b'}');
            }
            serde_json::Value::Array(list) if list.iter().all(serde_json::Value::is_i64) => {
                out.extend_from_slice(b"[$l#L");
                out.extend_from_slice(&(list.len() as i64).to_be_bytes());
                for n in list {
                    out.extend_from_slice(&(n.as_i64().unwrap_or(0) as i32).to_be_bytes());
                }
            }
            serde_json::Value::Array(list) => {
                out.extend_from_slice(b"[#L");
                out.extend_from_slice(&(list.len() as i64).to_be_bytes());
                for v in list {
                    ubj(v, out);
                }
            }
            serde_json::Value::String(s) => {
                out.push(b'S');
                text(s, out);
            }
            _ => out.push(b'Z'),
        }
    }

    #[test]
    fn trees_that_leave_themselves_in_both_notations() {
        for (nodes, left, trees, want) in [
            ("3", "[1,-1,-1]", "1", Verdict::Clear),
            ("3", "[7,-1,-1]", "1", Verdict::Dangerous),
            ("3", "[-9,-1,-1]", "1", Verdict::Dangerous),
            ("9", "[1,-1,-1]", "1", Verdict::Dangerous),
            ("3", "[1,-1,-1]", "4294967295", Verdict::Dangerous),
        ] {
            let text = model(nodes, left, trees);
            assert_eq!(crate::scan(&text.clone().into_bytes(), "m.json", Lang::En).verdict, want, "{text}");
            let mut bytes = Vec::new();
            ubj(&serde_json::from_str(&text).expect("JSON"), &mut bytes);
            assert_eq!(crate::scan(&bytes, "m.ubj", Lang::En).verdict, want, "{text}");
        }
    }

    #[test]
    fn a_binary_cut_anywhere_is_not_clear() {
        let mut bytes = Vec::new();
        ubj(&serde_json::from_str(&model("3", "[1,-1,-1]", "1")).expect("JSON"), &mut bytes);
        for n in 20..bytes.len() {
            assert_ne!(crate::scan(&bytes.get(..n).unwrap_or(&[]).to_vec(), "m.ubj", Lang::En).verdict, Verdict::Clear, "{n}");
        }
    }
}
