//! What the contract test needs of a project's policies: a hook while its secret is asked for, and none afterwards.

use super::document::Operation;
use super::samples::Samples;
use crate::kit::Client;
use serde_json::{Value, json};

/// Sets what the operation is about, and takes away what the one before needed.
pub async fn set(samples: &mut Samples, key: &Client, operation: &Operation) {
    let hook = match operation.id.as_str() {
        "make_hook_secret" => {
            samples.path.insert("hook", "on_token".to_owned());
            json!({"url": "https://hooks.example.com/token", "optional": true})
        }
        _ => match samples.path.remove("hook") {
            // It would be asked whenever somebody signs in.
            Some(_) => Value::Null,
            None => return,
        },
    };
    let change = json!({"hooks": {"on_token": hook}});
    let changed = key.patch("/p/shop/v1/settings", change).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
}
