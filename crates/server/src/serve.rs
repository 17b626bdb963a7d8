//! Runs the server: binds, opens, tells where it listens, and stops in good order.

use crate::app::{self, AppParts};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::health::Health;
use crate::openapi::Documents;
use crate::sites::Sites;
use crate::supervisor::Supervisor;
use crate::wiring::Services;
use crate::worker::{Calls, Wake};
use crate::{control, demo, logs, memory, news, reload, worker};
use actix_web::{App, HttpServer};
use gate::{Front, FrontConfig, Gate};
use kernel::Ids;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

/// What is served beside what the configuration names.
#[derive(Default)]
pub struct Serving {
    /// Static sites of projects.
    pub sites: Sites,
    /// Whether the example projects are made.
    pub demo: bool,
    /// Where SIGHUP reads the configuration again.
    pub config_file: Option<PathBuf>,
}

/// The address by which clients reach a server that listens at `listen`.
#[must_use]
pub fn public_url(config: &Config, listen: &str) -> String {
    if config.server.public_url.is_empty() {
        format!("http://{listen}")
    } else {
        config.server.public_url.clone()
    }
}

/// Serves until a signal ends it.
pub fn run(config: Config, data_dir: &Path, serving: Serving) -> Result<(), String> {
    let started = Instant::now();
    config.validate()?;
    let log = logs::start(&config.log)?;
    raise_descriptors();
    let held = DataDir::open(data_dir).map_err(|e| match e {
        DataDirError::Locked => format!(
            "the data directory {} is held by another process",
            data_dir.display()
        ),
        DataDirError::Broken(text) => text,
    })?;
    let listener = TcpListener::bind(&config.server.listen)
        .map_err(|e| format!("cannot listen on {}: {e}", config.server.listen))?;
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|e| format!("metrics: {e}"))?;
    actix_web::rt::System::new().block_on(serve(
        config,
        held,
        listener,
        Health::new(metrics),
        serving,
        log,
        started,
    ))
}

async fn serve(
    config: Config,
    held: DataDir,
    listener: TcpListener,
    health: Health,
    serving: Serving,
    log: logs::Reload,
    started: Instant,
) -> Result<(), String> {
    let address = listener
        .local_addr()
        .map_err(|e| e.to_string())?
        .to_string();
    let url = public_url(&config, &address);
    let (wake, calls) = Wake::new();
    let services = Services::open(&config, held.path(), &url, &wake).await?;
    let told = if serving.demo {
        demo::seed(&services, &url).await?
    } else {
        setup_text(&services).await?
    };
    let supervisor = Supervisor::new();
    let socket = control::bind(held.path())?;
    start_background(&supervisor, &services, &config, socket, calls);
    if serving.demo {
        demo::start(&supervisor, &services);
    }
    let (documents, typed) = Documents::collect();
    let parts = AppParts {
        services: services.clone(),
        documents: Arc::new(documents),
        health: health.clone(),
        sites: serving.sites,
    };
    let tokens = Arc::new(services.accounts.clone());
    let workers = match config.server.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        n => n,
    };
    let front = FrontConfig::new(&config.gate, &url).map_err(|e| e.to_string())?;
    let front = typed.iter().fold(front, |front, (place, document)| {
        front.with_document(*place, document)
    });
    drop(typed);
    let front = Front::new(services.gate.clone(), tokens, front).map_err(|e| e.to_string())?;
    let quiet = front.clone();
    supervisor.run("memory", move || memory::give_back(quiet.clone()));
    let watch = reload::watch(serving.config_file, config.clone(), front.clone(), log);
    supervisor.once("configuration", watch);
    let node = services.gate.has_nodes().then(|| Ids.new_id());
    if let Some(node) = node {
        let (services, front) = (services.clone(), front.clone());
        supervisor.run("nodes", move || {
            news::beat(services.clone(), front.clone(), node)
        });
    }
    let server = HttpServer::new(move || {
        let parts = parts.clone();
        App::new()
            .wrap(front.clone())
            .configure(move |c| app::configure(c, &parts))
    })
    .workers(workers)
    .max_connections(config.server.connections_max.div_ceil(workers))
    .backlog(2_048)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(config.server.drain_seconds)
    .disable_signals()
    .listen(listener)
    .map_err(|e| format!("cannot serve: {e}"))?
    .run();
    let handle = server.handle();
    supervisor.once("listener", async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the listener ended");
        }
    });
    tell(&format!(
        "listening on http://{address}\n{told}ready in {} ms\n",
        started.elapsed().as_millis()
    ));
    wait_for_signal().await?;
    // Balancers learn first that no more requests are wanted; a second signal ends everything at once.
    health.drain();
    tracing::info!("stopping");
    tokio::select! {
        () = handle.stop(true) => {}
        second = wait_for_signal() => { second?; return Err("stopped at once by a second signal".to_owned()); }
    }
    supervisor.stop().await;
    if let Some(log) = services.gate.request_log() {
        log.flush().await;
    }
    if let Some(node) = node
        && let Err(problem) = services.gate.leave(node).await
    {
        tracing::warn!(%problem, "the other nodes were not told of the end");
    }
    services.gate.shutdown().await;
    Ok(())
}

/// Starts what runs beside requests.
fn start_background(
    supervisor: &Supervisor,
    services: &Services,
    config: &Config,
    socket: tokio::net::UnixListener,
    calls: Calls,
) {
    let socket = Rc::new(socket);
    let of_socket = services.clone();
    supervisor.run("command socket", move || {
        control::listen(socket.clone(), of_socket.clone())
    });
    let (of_sweep, rest) = (
        services.gate.clone(),
        Duration::from_secs(60 * config.gate.project_idle_minutes),
    );
    if !rest.is_zero() {
        supervisor.run("idle projects", move || close_idle(of_sweep.clone(), rest));
    }
    if let Some(log) = services.gate.request_log().cloned() {
        let clock = services.gate.clock().clone();
        supervisor.run("request log", move || log.clone().run(clock.clone()));
    }
    let of_news = services.clone();
    supervisor.run("news of other nodes", move || {
        let listener = of_news.gate.listen();
        news::run(of_news.clone(), listener)
    });
    let calls = Rc::new(Mutex::new(calls));
    let of_worker = services.clone();
    supervisor.run("put-off work", move || {
        let (services, calls) = (of_worker.clone(), calls.clone());
        async move { worker::run(services, &mut *calls.lock().await).await }
    });
}

async fn close_idle(gate: Gate, rest: Duration) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        gate.close_idle_projects(rest);
    }
}

/// Where the first operator is made, while there is none.
async fn setup_text(services: &Services) -> Result<String, String> {
    let link = services
        .gate
        .setup_link()
        .await
        .map_err(|e| e.to_string())?;
    Ok(link
        .map(|link| format!("make the first operator at {link}\n"))
        .unwrap_or_default())
}

async fn wait_for_signal() -> Result<(), String> {
    let error = |e: std::io::Error| format!("signals: {e}");
    let mut terminate = signal(SignalKind::terminate()).map_err(error)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(error)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Each open project takes several descriptors.
fn raise_descriptors() {
    if let Err(error) = rlimit::increase_nofile_limit(65_536) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Standard output tells where the server is; everything else goes to the log.
fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
