//! Whether the server lives, whether it takes requests, and its metrics.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use gate::{Caller, Gate, Holders, InInstance, Problem};
use kernel::Code;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa_actix_web::service_config::ServiceConfig;

gate::permissions! {
    /// Asks whether the server lives.
    HealthRead = "health.read", InInstance, Holders::Everyone;
    /// Reads the metrics.
    MetricsRead = "metrics.read", InInstance, Holders::Granted;
}

/// What the probes tell.
#[derive(Clone)]
pub struct Health {
    draining: Arc<AtomicBool>,
    metrics: PrometheusHandle,
}

impl Health {
    /// Of a server that takes requests.
    #[must_use]
    pub fn new(metrics: PrometheusHandle) -> Self {
        Self {
            draining: Arc::default(),
            metrics,
        }
    }

    /// From now on the server is not ready: it is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(healthz).service(readyz).service(get_metrics);
}

/// Whether the process lives.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct HealthView {
    /// Always `ok`.
    status: &'static str,
}

/// Tells that the process lives.
#[utoipa::path(operation_id = "get_health", tag = "health", security(()), responses((status = 200, description = "It does", body = HealthView), gate::openapi::Problems))]
#[get("/healthz")]
async fn healthz(_caller: Caller<HealthRead>) -> HttpResponse {
    HttpResponse::Ok().json(HealthView { status: "ok" })
}

/// Tells whether the server takes requests: 503 while it stops or cannot reach its database.
#[utoipa::path(operation_id = "get_readiness", tag = "health", security(()), responses((status = 200, description = "It does", body = HealthView), gate::openapi::Problems))]
#[get("/readyz")]
async fn readyz(
    _caller: Caller<HealthRead>,
    gate: Data<Gate>,
    health: Data<Health>,
) -> Result<HttpResponse, Problem> {
    if health.draining.load(Ordering::SeqCst) {
        return Err(Code::Unavailable.into());
    }
    gate.ready().await?;
    Ok(HttpResponse::Ok().json(HealthView { status: "ok" }))
}

/// The metrics in Prometheus' text format.
#[utoipa::path(operation_id = "get_metrics", tag = "health", responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), gate::openapi::Problems))]
#[get("/metrics")]
async fn get_metrics(_caller: Caller<MetricsRead>, health: Data<Health>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(health.metrics.render())
}
