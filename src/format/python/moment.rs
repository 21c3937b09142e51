//! When code runs: on import, when a model is loaded, when it is called.

use super::{Edge, Found, Guard, Scope, Sort, Walker};
use crate::fact::When;
use std::collections::HashMap;

/// Whether a function of this name is handed what somebody else wrote: a server's request, or the state of an object in a pickle.
pub(super) fn asked(name: &str) -> bool {
    matches!(name, "__setstate__" | "__call__" | "handle" | "preprocess" | "inference" | "execute" | "predict" | "input_fn" | "predict_fn" | "transform_fn")
}

impl Walker<'_> {
    /// For every scope the earliest moment that it runs at.
    pub(super) fn moments(&self, start: When) -> Vec<Option<When>> {
        let mut out: Vec<Option<When>> = vec![None; self.scopes.len()];
        let by_name: HashMap<&str, usize> =
            self.scopes.iter().enumerate().filter(|(_, s)| s.parent == 0 && s.sort != Sort::Module).map(|(i, s)| (&*s.name, i)).collect();
        let mut edges: HashMap<usize, Vec<(Guard, usize)>> = HashMap::new();
        for (from, guard, edge) in &self.edges {
            let to = match edge {
                Edge::Scope(s) => Some(*s),
                Edge::Name(n) => by_name.get(&**n).copied(),
                Edge::Member(class, n) => self.scopes.get(*class).and_then(|s| s.members.get(n)).copied(),
            };
            if let Some(to) = to {
                edges.entry(*from).or_default().push((*guard, to));
                if let Some(init) = self.scopes.get(to).filter(|s| s.sort == Sort::Class).and_then(|s| s.members.get("__init__")) {
                    edges.entry(*from).or_default().push((*guard, *init));
                }
            }
        }
        // What a function is handed runs with it if it calls one of its parameters.
        for (from, guard, callee, given) in &self.passed {
            let own = self.scopes.get(*callee).map(|s| &s.names);
            let calls = |(scope, _, edge): &(usize, Guard, Edge)| matches!(edge, Edge::Name(n) if scope == callee && own.is_some_and(|o| o.contains_key(n)));
            if self.edges.iter().any(calls) {
                edges.entry(*from).or_default().push((*guard, *given));
            }
        }
        let mut queue: Vec<(usize, When)> = vec![(0, start)];
        for (id, s) in self.scopes.iter().enumerate() {
            if s.sort == Sort::Function && self.hook(s) {
                queue.push((id, start.max(When::Load)));
            }
        }
        // Four moments: each scope is visited at most once for each.
        while let Some((id, when)) = queue.pop() {
            let Some(slot) = out.get_mut(id) else {
                continue;
            };
            if slot.is_some_and(|w| w <= when) {
                continue;
            }
            *slot = Some(when);
            // A class's body runs with its surroundings.
            if let Some(s) = self.scopes.get(id) {
                for m in s.members.values() {
                    if let Some(inner) = self.scopes.get(*m)
                        && inner.sort == Sort::Class
                        && inner.guard != Guard::Never
                    {
                        queue.push((*m, if inner.guard == Guard::Main { when.max(When::Main) } else { when }));
                    }
                }
            }
            for (guard, to) in edges.get(&id).into_iter().flatten() {
                match guard {
                    Guard::Always => queue.push((*to, when)),
                    Guard::Main => queue.push((*to, when.max(When::Main))),
                    Guard::Never => {}
                }
            }
        }
        out
    }

    pub(super) fn moment(&self, moments: &[Option<When>], found: &Found) -> Option<When> {
        let when = moments.get(found.scope).copied().flatten().unwrap_or(When::Call);
        match found.guard {
            Guard::Always => Some(when),
            Guard::Main => Some(when.max(When::Main)),
            Guard::Never => None,
        }
    }

    /// Whether a library calls this by itself when it loads, serves or installs what the source belongs to.
    pub(super) fn hook(&self, s: &Scope) -> bool {
        let Some(parent) = self.scopes.get(s.parent) else {
            return false;
        };
        match parent.sort {
            Sort::Module => {
                // What a manifest of TorchServe's names beside the source, whatever its name: it is asked with these two, and once when the model is loaded.
                let entry = s.takes == 2 && s.names.contains_key("data") && s.names.contains_key("context");
                entry
                    || (self.generates && &*s.name == "generate")
                    || matches!(&*s.name, "handle" | "model_fn" | "input_fn" | "predict_fn" | "output_fn" | "transform_fn" | "_load_pyfunc" | "__getattr__")
            }
            Sort::Class => {
                let last = |b: &String| b.rsplit('.').next().unwrap_or("").to_string();
                let installs = parent.bases.iter().map(last).any(|b| matches!(b.as_str(), "install" | "develop" | "egg_info"));
                // Model servers ask for methods, not for a base: TorchServe for one that takes a request's data and its context, and for the other if it is there.
                let takes = |method| parent.members.get(method).and_then(|id| self.scopes.get(*id)).map(|s: &Scope| s.takes);
                let serves = takes("handle") == Some(3) || takes("initialize").is_some() && (takes("handle").or(takes("execute"))).is_some();
                let loads = serves
                    || matches!(&*parent.name, "EndpointHandler" | "TritonPythonModel" | "PreTrainedPipeline" | "PythonModel")
                    || parent.bases.iter().map(last).any(|b| {
                        matches!(
                            b.as_str(),
                            "Module"
                                | "Model"
                                | "Layer"
                                | "ModelMixin"
                                | "ConfigMixin"
                                | "SchedulerMixin"
                                | "ProcessorMixin"
                                | "PythonModel"
                                | "LightningModule"
                                | "GeneratorBasedBuilder"
                                | "ArrowBasedBuilder"
                                | "FeatureExtractionMixin"
                                | "ImageProcessingMixin"
                        ) || [
                            "PreTrainedModel", "PretrainedModel", "Config", "Tokenizer", "TokenizerFast", "PreTrainedTokenizerBase", "Processor",
                            "ImageProcessor", "FeatureExtractor", "Handler", "Pipeline", "ForCausalLM", "ForConditionalGeneration",
                        ]
                        .iter()
                        .any(|e| b.ends_with(e))
                    });
                // Unpickling calls it, of whatever class.
                &*s.name == "__setstate__"
                    || installs && matches!(&*s.name, "run" | "initialize_options" | "finalize_options" | "__init__")
                    || loads
                        && matches!(
                            &*s.name,
                            "__init__"
                                | "__new__"
                                | "__post_init__"
                                | "__init_subclass__"
                                | "from_pretrained"
                                | "_from_pretrained"
                                | "from_dict"
                                | "load"
                                | "_load"
                                | "load_model"
                                | "load_context"
                                | "load_state_dict"
                                | "_load_from_state_dict"
                                | "initialize"
                                | "setup"
                                | "post_init"
                                | "_init_weights"
                                | "forward"
                                | "__call__"
                                | "call"
                                | "build"
                                | "handle"
                                | "inference"
                                | "preprocess"
                                | "postprocess"
                                | "predict"
                                | "auto_complete_config"
                                | "_info"
                                | "_split_generators"
                                | "_generate_examples"
                                | "execute"
                                | "generate"
                        )
            }
            Sort::Function => false,
        }
    }
}
