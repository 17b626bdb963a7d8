//! An API document as the contract test reads it: its operations, and what answers it allows.

use crate::kit::{Answer, Server};
use serde_json::Value;
use std::collections::BTreeSet;

/// One operation of a document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub public: bool,
    pub definition: Value,
}

/// A document with its operations, at its place.
pub struct Document {
    /// What stands in front of its paths.
    pub prefix: &'static str,
    whole: Value,
    pub operations: Vec<Operation>,
}

impl Document {
    pub async fn read(server: &Server, prefix: &'static str, path: &str) -> Self {
        let answer = server.as_("").get(path).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let mut operations = Vec::new();
        for (path, item) in answer.body["paths"].as_object().unwrap() {
            for (method, definition) in item
                .as_object()
                .unwrap()
                .iter()
                // HEAD is GET without its body, and a body is what is looked at here.
                .filter(|(m, _)| *m != "parameters" && *m != "head")
            {
                for (status, response) in definition["responses"].as_object().unwrap() {
                    let text = response["description"].as_str().unwrap_or_default();
                    assert!(
                        !text.is_empty(),
                        "{method} {path} {status}: OpenAPI 3.1 wants a description"
                    );
                }
                let security = definition["security"].as_array();
                operations.push(Operation {
                    id: definition["operationId"]
                        .as_str()
                        .expect("an operation id")
                        .to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    public: security.is_some_and(|s| {
                        s.iter()
                            .any(|r| r.as_object().is_some_and(serde_json::Map::is_empty))
                    }),
                    definition: definition.clone(),
                });
            }
        }
        let ids: BTreeSet<&String> = operations.iter().map(|o| &o.id).collect();
        assert_eq!(ids.len(), operations.len(), "operation ids are unique");
        Self {
            prefix,
            whole: answer.body,
            operations,
        }
    }

    /// Fails unless the document allows this very answer.
    pub fn validate(&self, operation: &Operation, answer: &Answer) {
        let place = format!(
            "{} {} answered {}: {}",
            operation.method, operation.path, answer.status, answer.body
        );
        let response = &operation.definition["responses"][answer.status.to_string()];
        assert!(!response.is_null(), "undocumented: {place}");
        let Some(content) = response["content"].as_object() else {
            assert!(
                answer.body == Value::String(String::new()),
                "a body where none is documented: {place}"
            );
            return;
        };
        let kind = answer.kind.split(';').next().unwrap_or_default();
        let schema = content
            .get(kind)
            .unwrap_or_else(|| panic!("undocumented content type {kind}: {place}"));
        if kind.ends_with("json") {
            let mut schema = schema["schema"].clone();
            schema["components"] = self.whole["components"].clone();
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            let faults: Vec<String> = validator
                .iter_errors(&answer.body)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{place}\n{}", faults.join("\n"));
        }
        if answer.status >= 400 {
            assert_eq!(kind, "application/problem+json", "{place}");
            assert_eq!(answer.body["status"], answer.status, "{place}");
        }
        assert!(answer.headers.contains_key("x-request-id"), "{place}");
    }
}
