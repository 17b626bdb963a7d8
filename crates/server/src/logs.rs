//! Structured logs: one line per event on standard error, as text or JSON.

use crate::config::LogConfig;
use tracing_subscriber::EnvFilter;

/// Gives the running log another filter.
pub type Reload = Box<dyn Fn(&str) -> Result<(), String>>;

/// Starts the log. Fails when the filter does not parse.
pub fn start(config: &LogConfig) -> Result<Reload, String> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.level)?)
        .with_writer(std::io::stderr);
    let (reload, started): (Reload, _) = match config.format.as_str() {
        "json" => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            let reload = move |level: &str| set(handle.reload(filter(level)?));
            (Box::new(reload), builder.try_init())
        }
        _ => {
            let builder = builder.with_ansi(false).with_filter_reloading();
            let handle = builder.reload_handle();
            let reload = move |level: &str| set(handle.reload(filter(level)?));
            (Box::new(reload), builder.try_init())
        }
    };
    started.map_err(|e| format!("log: {e}"))?;
    Ok(reload)
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|e| format!("configuration: log.level: {e}"))
}

fn set(done: Result<(), tracing_subscriber::reload::Error>) -> Result<(), String> {
    done.map_err(|e| format!("log: {e}"))
}
