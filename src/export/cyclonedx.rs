//! CycloneDX 1.6, with the model as machine-learning-model and every file with its digest; findings stand as vulnerabilities of their files.

use super::bom::{self, Terms, told};
use super::{Paper, findings};
use serde_json::{Map, Value, json};

fn property(name: &str, value: &str) -> Value {
    json!({"name": format!("weighstation:{name}"), "value": value})
}

/// `key: value` where there is a value.
fn set(map: &mut Value, key: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        _ => false,
    };
    if let (false, Some(map)) = (empty, map.as_object_mut()) {
        map.insert(key.into(), value);
    }
}

/// Licences as the schema has them: either a list, or one expression alone.
fn licences(terms: &[Terms]) -> Value {
    if let [Terms::Spdx(expression)] = terms
        && expression.contains(' ')
    {
        return json!([{"expression": expression, "acknowledgement": "declared"}]);
    }
    let one = |t: &Terms| match t {
        Terms::Spdx(id) if !id.contains(' ') => json!({"license": {"id": id, "acknowledgement": "declared"}}),
        Terms::Spdx(name) | Terms::Other(name) => json!({"license": {"name": name, "acknowledgement": "declared"}}),
    };
    terms.iter().map(one).collect()
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let r = p.report;
    let b = bom::of(p);
    let tool = || json!({"components": [{"type": "application", "name": r.tool.name, "version": r.tool.version}]});
    let file_ref = |n: usize| format!("file:{n}");
    let mut metadata = json!({
        "lifecycles": [{"phase": "post-build"}],
        "tools": tool(),
        "component": {"type": "application", "bom-ref": "scan", "name": b.name},
        "properties": [property("rules-version", &r.tool.rules), property("verdict", r.verdict.word()), property("scan:complete", &b.complete.to_string())]
    });
    set(&mut metadata, "timestamp", p.options.time.clone().into());

    let mut card = json!({});
    let mut about = json!({});
    set(&mut about, "task", told(r, &["pipeline_tag"]).unwrap_or("").into());
    set(&mut about, "architectureFamily", told(r, &["general.architecture", "model_type"]).unwrap_or("").into());
    set(&mut about, "modelArchitecture", told(r, &["architectures"]).unwrap_or("").into());
    set(&mut about, "datasets", b.datasets.iter().enumerate().map(|(n, _)| json!({"ref": format!("data:{n}")})).collect());
    set(&mut card, "modelParameters", about);
    let mut facts = Vec::new();
    if let Some((n, form)) = b.parameters {
        facts.push(property("parameters", &n.to_string()));
        facts.push(property("parameters:basis", &format!("tensor descriptions of the {form} files")));
        facts.push(property("tensor-dtypes", &b.dtypes.iter().copied().collect::<Vec<_>>().join(" ")));
    }
    set(&mut card, "properties", facts.into());
    let mut model =
        json!({"type": "machine-learning-model", "bom-ref": "model", "name": b.name, "properties": [property("files:total", &r.files.len().to_string())]});
    set(&mut model, "description", told(r, &["general.description"]).unwrap_or("").into());
    set(&mut model, "licenses", licences(&b.licences));
    set(&mut model, "modelCard", card);
    let ancestors: Vec<Value> =
        b.bases.iter().enumerate().map(|(n, name)| json!({"type": "machine-learning-model", "bom-ref": format!("base:{n}"), "name": name})).collect();
    if !ancestors.is_empty() {
        set(&mut model, "pedigree", json!({"ancestors": ancestors}));
    }

    let mut components = vec![model];
    let (mut whole, mut partial) = (Vec::new(), Vec::new());
    for (n, f) in r.files.iter().enumerate() {
        let mut c = json!({"type": "file", "bom-ref": file_ref(n), "name": f.path, "properties": [property("size", &f.size.to_string()), property("format", &f.formats.join(" ")), property("verdict", f.verdict.word())]});
        if let Some(sha) = &f.sha256 {
            set(&mut c, "hashes", json!([{"alg": "SHA-256", "content": sha}]));
        }
        let occurrences: Vec<Value> = f
            .findings
            .iter()
            .flat_map(|x| x.places.iter().map(move |place| (x, place)))
            .map(|(x, place)| {
                let mut o = json!({"location": f.path, "symbol": x.rule, "additionalContext": if place.member.is_empty() { x.name.clone() } else { format!("{} in {}", x.name, place.member) }});
                set(&mut o, "offset", place.file_offset.filter(|n| i64::try_from(*n).is_ok()).map_or(Value::Null, Value::from));
                o
            })
            .collect();
        if !occurrences.is_empty() {
            set(&mut c, "evidence", json!({"occurrences": occurrences}));
        }
        components.push(c);
        if f.gaps.is_empty() { &mut whole } else { &mut partial }.push(file_ref(n));
    }
    let data: Vec<String> = (0..b.datasets.len()).map(|n| format!("data:{n}")).collect();
    components.extend(
        b.datasets.iter().zip(&data).map(|(name, at)| json!({"type": "data", "bom-ref": at, "name": name, "data": [{"type": "dataset", "name": name}]})),
    );

    let vulnerabilities: Vec<Value> = findings(r)
        .enumerate()
        .map(|(n, (file, x))| {
            let cwes: Vec<u32> = x.refs.iter().filter_map(|c| c.strip_prefix("CWE-")?.parse().ok()).collect();
            let detail: Vec<String> = x.places.iter().map(|place| format!("{} {}", place.member, p.place(place)).trim().to_string()).collect();
            let mut v = json!({
                "bom-ref": format!("finding:{n}"),
                "id": x.rule,
                "source": {"name": r.tool.name},
                "ratings": [{"source": {"name": r.tool.name}, "severity": x.severity, "method": "other", "justification": x.title}],
                "description": x.message,
                "recommendation": x.fix,
                "affects": [{"ref": file.map_or("model".to_string(), file_ref)}],
                "properties": [property("rule", &x.name), property("count", &x.count.to_string())]
            });
            set(&mut v, "cwes", cwes.into());
            set(&mut v, "detail", detail.join("\n").into());
            v
        })
        .collect();

    let mut parts: Vec<String> = (0..r.files.len()).map(file_ref).collect();
    parts.extend(data.iter().cloned());
    let compositions: Vec<Value> = [("complete", whole), ("incomplete", partial), ("unknown", data)]
        .into_iter()
        .filter(|(_, a)| !a.is_empty())
        .map(|(how, a)| json!({"aggregate": how, "assemblies": a}))
        .collect();
    let mut out = Value::Object(Map::new());
    for (key, value) in [
        ("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json".into()),
        ("bomFormat", "CycloneDX".into()),
        ("specVersion", "1.6".into()),
        ("serialNumber", if b.serial.is_empty() { Value::Null } else { format!("urn:uuid:{}", b.serial).into() }),
        ("version", 1.into()),
        ("metadata", metadata),
        ("components", components.into()),
        ("dependencies", json!([{"ref": "scan", "dependsOn": ["model"]}, {"ref": "model", "dependsOn": parts}])),
        ("compositions", compositions.into()),
        ("vulnerabilities", vulnerabilities.into()),
    ] {
        set(&mut out, key, value);
    }
    super::json::indented(&serde_json::to_string(&out).unwrap_or_default())
}
