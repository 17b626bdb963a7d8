//! SIGHUP: reads the configuration again and applies what can change while the server runs.

use crate::config::Config;
use crate::logs;
use gate::Front;
use serde_json::Value;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Runs for as long as the server does. A configuration with a fault changes nothing.
pub async fn watch(file: Option<PathBuf>, mut current: Config, front: Front, log: logs::Reload) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            tracing::warn!(%error, "SIGHUP will not be heard");
            return;
        }
    };
    while hangups.recv().await.is_some() {
        match Config::read(file.as_deref()) {
            Ok(fresh) => apply(&mut current, &fresh, &front, &log),
            Err(error) => tracing::error!(error, "the configuration stays as it is"),
        }
    }
}

fn apply(current: &mut Config, fresh: &Config, front: &Front, log: &logs::Reload) {
    if let Err(error) = log(&fresh.log.level) {
        tracing::error!(error, "the configuration stays as it is");
        return;
    }
    front.set_limits(&fresh.gate.limits);
    current.log.level.clone_from(&fresh.log.level);
    current.gate.limits.clone_from(&fresh.gate.limits);
    let rest = changed(current, fresh);
    tracing::info!(
        "the log level and the limits were read again{}{}",
        if rest.is_empty() {
            ""
        } else {
            "; restart the server to apply "
        },
        rest.join(", ")
    );
}

/// The names of settings that differ.
fn changed(current: &Config, fresh: &Config) -> Vec<String> {
    let json = |config| serde_json::to_value(config).unwrap_or_default();
    let mut names = Vec::new();
    compare("", &json(current), &json(fresh), &mut names);
    // A flag may have set it, which the file knows nothing of.
    names.retain(|name| name != "server.listen");
    names
}

fn compare(name: &str, old: &Value, new: &Value, names: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                compare(&name, value, new.get(key).unwrap_or(&Value::Null), names);
            }
        }
        _ if old != new => names.push(name.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_need_a_restart_are_named() {
        let (old, mut new) = (Config::default(), Config::default());
        assert!(changed(&old, &new).is_empty());
        new.server.workers = 7;
        new.gate.base_domain = "example.com".to_owned();
        new.server.listen = "127.0.0.1:1".to_owned();
        assert_eq!(changed(&old, &new), ["server.workers", "gate.base_domain"]);
    }
}
