//! SPDX 3.0.1 as JSON-LD. The profiles for AI and data are used and not claimed: they demand dates and suppliers that files do not tell.

use super::bom::{self, Terms, told};
use super::{Paper, findings};
use serde_json::{Value, json};

/// An id that a licence expression may hold for a licence that is not on SPDX's list.
fn reference(name: &str) -> String {
    let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' }).take(100).collect();
    format!("LicenseRef-{id}")
}

/// The elements in the making; each has an id under one name that belongs to this document alone.
struct Graph {
    space: String,
    list: Vec<Value>,
}

impl Graph {
    fn id(&self, name: &str) -> String {
        format!("{}#{name}", self.space)
    }

    /// Adds an element and gives its id.
    fn add(&mut self, kind: &str, name: &str, mut fields: Value) -> String {
        let id = self.id(name);
        if let Some(map) = fields.as_object_mut() {
            map.insert("type".into(), kind.into());
            map.insert("spdxId".into(), id.as_str().into());
            map.insert("creationInfo".into(), "_:creation".into());
            map.retain(|_, v| !v.is_null() && v.as_str() != Some("") && v.as_array().is_none_or(|a| !a.is_empty()));
        }
        self.list.push(fields);
        id
    }

    fn relate(&mut self, name: &str, from: &str, how: &str, to: &[String], completeness: Option<&str>) {
        if !to.is_empty() {
            self.add("Relationship", name, json!({"from": from, "relationshipType": how, "to": to, "completeness": completeness}));
        }
    }

    fn licence(&mut self, name: &str, expression: &str) -> String {
        self.add("simplelicensing_LicenseExpression", name, json!({"simplelicensing_licenseExpression": expression}))
    }
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let r = p.report;
    let b = bom::of(p);
    let mut g = Graph { space: format!("urn:weighstation:{}", if b.serial.is_empty() { "document" } else { &b.serial }), list: Vec::new() };
    let agent = g.add("SoftwareAgent", "agent", json!({"name": r.tool.name}));
    let tool = g.add("Tool", "tool", json!({"name": p.tool()}));
    // A document has to say when it was made; the beginning of time says that nobody knows.
    let created = if p.options.time.is_empty() { "1970-01-01T00:00:00Z" } else { &p.options.time };
    let creation =
        json!({"type": "CreationInfo", "@id": "_:creation", "specVersion": "3.0.1", "created": created, "createdBy": [agent], "createdUsing": [tool]});

    let texts: Vec<String> = b
        .licences
        .iter()
        .map(|t| match t {
            Terms::Spdx(e) if e.contains(' ') => format!("({e})"),
            Terms::Spdx(id) => id.clone(),
            Terms::Other(name) => reference(name),
        })
        .collect();
    let all = texts.join(" AND ");
    let declared = g.licence("licence", if all.is_empty() { "NOASSERTION" } else { &all });
    let unknown = g.licence("no-assertion", "NOASSERTION");
    let data_licence = g.licence("document-licence", "CC0-1.0");
    let entries: Vec<Value> = b
        .parameters
        .map(|(n, form)| {
            vec![
                ("parameters", n.to_string()),
                ("parameters counted in", form.to_string()),
                ("tensor element types", b.dtypes.iter().copied().collect::<Vec<_>>().join(" ")),
            ]
        })
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| json!({"type": "DictionaryEntry", "key": key, "value": value}))
        .collect();
    let kinds: Vec<&str> = ["general.architecture", "model_type", "architectures"].iter().filter_map(|k| told(r, &[k])).collect();
    let model = g.add(
        "ai_AIPackage",
        "model",
        json!({
            "name": b.name,
            "description": told(r, &["general.description"]),
            "software_primaryPurpose": "model",
            "ai_typeOfModel": kinds,
            "ai_domain": told(r, &["pipeline_tag"]).map(|t| vec![t]),
            "ai_hyperparameter": entries
        }),
    );
    let mut files = Vec::new();
    for (n, f) in r.files.iter().enumerate() {
        let purpose = if f.tensors.count > 0 { "model" } else { "file" };
        let hash = f.sha256.as_ref().map(|sha| vec![json!({"type": "Hash", "algorithm": "sha256", "hashValue": sha})]);
        files.push(g.add(
            "software_File",
            &format!("file-{n}"),
            json!({"name": f.path, "software_fileKind": "file", "software_primaryPurpose": purpose, "verifiedUsing": hash}),
        ));
    }
    g.relate("contains", &model, "contains", &files, Some(if b.complete { "complete" } else { "noAssertion" }));
    g.relate("declared", &model, "hasDeclaredLicense", std::slice::from_ref(&declared), None);
    g.relate("concluded", &model, "hasConcludedLicense", std::slice::from_ref(&unknown), None);
    let mut data = Vec::new();
    for (n, name) in b.datasets.iter().enumerate() {
        data.push(g.add(
            "dataset_DatasetPackage",
            &format!("data-{n}"),
            json!({"name": name, "software_primaryPurpose": "data", "dataset_datasetType": ["noAssertion"]}),
        ));
    }
    g.relate("trained-on", &model, "trainedOn", &data, Some("noAssertion"));
    let mut bases = Vec::new();
    for (n, name) in b.bases.iter().enumerate() {
        bases.push(g.add("ai_AIPackage", &format!("base-{n}"), json!({"name": name, "software_primaryPurpose": "model"})));
    }
    g.relate("made-from", &model, "descendantOf", &bases, Some("noAssertion"));
    for (n, (file, x)) in findings(r).enumerate() {
        let places: Vec<String> = x.places.iter().map(|place| format!("{} {}", place.member, p.place(place)).trim().to_string()).collect();
        let id = g.add("security_Vulnerability", &format!("finding-{n}"), json!({"name": format!("{} {}", x.rule, x.name), "summary": x.message, "description": places.join("\n"), "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "securityOther", "identifier": x.rule}]}));
        let subject = file.and_then(|n| files.get(n)).unwrap_or(&model).clone();
        g.relate(&format!("affects-{n}"), &id, "affects", std::slice::from_ref(&subject), None);
    }
    for (n, (f, id)) in r.files.iter().zip(&files).enumerate() {
        g.add("Annotation", &format!("verdict-{n}"), json!({"annotationType": "review", "subject": id, "statement": format!("{}: {}", p.words.verdict(f.verdict), f.headline), "contentType": "text/plain"}));
    }
    let mut elements: Vec<Value> = g.list.iter().filter_map(|e| e.get("spdxId").cloned()).collect();
    let profiles = json!(["core", "software", "simpleLicensing"]);
    let sbom =
        g.add("software_Sbom", "sbom", json!({"rootElement": [model], "element": elements, "software_sbomType": ["analyzed"], "profileConformance": profiles}));
    elements.push(sbom.as_str().into());
    g.add(
        "SpdxDocument",
        "document",
        json!({"name": b.name, "rootElement": [sbom], "element": elements, "profileConformance": profiles, "dataLicense": data_licence}),
    );
    g.list.insert(0, creation);
    super::json::indented(&serde_json::to_string(&json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": g.list})).unwrap_or_default())
}
