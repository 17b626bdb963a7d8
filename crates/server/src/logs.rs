//! Structured logs: one line per event on standard error, as text or JSON.

use crate::config::LogConfig;
use tracing_subscriber::EnvFilter;

/// Starts the log. Fails when the filter does not parse.
pub fn start(config: &LogConfig) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(&config.level).map_err(|e| format!("configuration: log.level: {e}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.format.as_str() {
        "json" => builder.json().flatten_event(true).try_init(),
        _ => builder.with_ansi(false).try_init(),
    };
    started.map_err(|e| format!("log: {e}"))
}
