//! The front door: everything between the socket and the routes, done once per request and before any routing.
//!
//! In order: name the request, refuse what is absurd, find its place, answer preflights, judge the credential, count
//! the request; then, around the answer: problems, headers, metrics and the log.

mod address;
mod answer;
mod cookies;
mod cors;
pub(crate) mod credential;
mod limit;
mod methods;
mod metric;
mod network;
mod trip;

pub use answer::Page;
pub use cookies::{CSRF_HEADER, OwnPage, session_cookies};
pub use metric::RoutePattern;
pub use network::Cidr;

use crate::ports::UserTokens;
use crate::{Access, Gate, GateConfig, Place, Problem, StartError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::guard::{Guard, fn_guard};
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::{Error, HttpMessage, HttpRequest};
use futures_util::FutureExt;
use kernel::Code;
use std::future::{Future, Ready, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use tracing::Instrument;
use trip::Trip;

/// What the front door is told.
#[derive(Clone, Debug)]
pub struct FrontConfig {
    hosts: address::Hosts,
    trusted: Vec<Cidr>,
    limits: crate::LimitsConfig,
    is_https: bool,
    methods: methods::Methods,
}

impl FrontConfig {
    /// From the gate's section of the configuration and the instance's address.
    pub fn new(config: &GateConfig, public_url: &str) -> Result<Self, StartError> {
        config.validate()?;
        Ok(Self {
            hosts: address::Hosts::new(public_url, config)?,
            trusted: config
                .trusted_proxies
                .iter()
                .filter_map(|text| Cidr::parse(text))
                .collect(),
            limits: config.limits.clone(),
            is_https: public_url.starts_with("https://"),
            methods: methods::Methods::default(),
        })
    }

    /// Tells which methods the addresses of a place take, from its document, so that another method is answered 405
    /// with `Allow` and not 404.
    #[must_use]
    pub fn with_document(mut self, place: Place, document: &utoipa::openapi::OpenApi) -> Self {
        self.methods.add(place, document);
        self
    }
}

/// The middleware. Make one per process and clone it into each worker's app: clones share the limits.
#[derive(Clone)]
pub struct Front(Arc<Shared>);

struct Shared {
    gate: Gate,
    tokens: Arc<dyn UserTokens>,
    config: FrontConfig,
    limits: RwLock<Granted>,
    ids: trip::RequestIds,
}

impl Front {
    /// Over the gate and whoever verifies users' tokens.
    pub fn new(
        gate: Gate,
        tokens: Arc<dyn UserTokens>,
        config: FrontConfig,
    ) -> Result<Self, StartError> {
        let limits = RwLock::new(Granted::new(config.limits.clone(), 1));
        let ids = trip::RequestIds::new();
        Ok(Self(Arc::new(Shared {
            gate,
            tokens,
            config,
            limits,
            ids,
        })))
    }

    /// A number that is another one after each request: who sees the same twice knows that none came meanwhile.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.0.ids.next()
    }

    /// Gives all workers other limits, from now on. What was counted so far is forgotten.
    pub fn set_limits(&self, config: &crate::LimitsConfig) {
        let granted = &self.0.limits;
        let mut granted = granted.write().unwrap_or_else(PoisonError::into_inner);
        *granted = Granted::new(config.clone(), granted.nodes);
    }

    /// Lets this node grant its part of the limits only, since callers are spread over so many nodes. What was counted
    /// so far is forgotten when their number changes.
    pub fn set_nodes(&self, nodes: u32) {
        let granted = &self.0.limits;
        let mut granted = granted.write().unwrap_or_else(PoisonError::into_inner);
        if granted.nodes != nodes {
            *granted = Granted::new(granted.whole.clone(), nodes);
        }
    }
}

/// The limits of this node.
struct Granted {
    whole: crate::LimitsConfig,
    nodes: u32,
    limits: Arc<limit::Limits>,
}

impl Granted {
    fn new(whole: crate::LimitsConfig, nodes: u32) -> Self {
        let limits = Arc::new(limit::Limits::new(&limit::part(&whole, nodes)));
        Self {
            whole,
            nodes,
            limits,
        }
    }
}

impl Shared {
    fn limits(&self) -> Arc<limit::Limits> {
        let limits = self.limits.read().unwrap_or_else(PoisonError::into_inner);
        limits.limits.clone()
    }
}

/// Counts a request of many operations as often as it has operations, against its caller's limit; 429 where that is too
/// much. What is more than a caller may send at once takes all of that.
pub fn charge(request: &HttpRequest, operations: usize) -> Result<(), Problem> {
    let more = u32::try_from(operations.saturating_sub(1)).unwrap_or(u32::MAX);
    match request.extensions().get::<limit::Charge>() {
        Some(charge) => charge.take(more),
        // No limit is set.
        None => Ok(()),
    }
}

/// Lets routes be found from one place only. Guards the two scopes of the app.
#[must_use]
pub fn place_guard(place: Place) -> impl Guard {
    fn_guard(move |context| {
        context
            .req_data()
            .get::<Rc<Access>>()
            .is_some_and(|access| access.place == place)
    })
}

impl<S, B> Transform<S, ServiceRequest> for Front
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = FrontService<S>;
    type InitError = ();
    type Future = Ready<Result<FrontService<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(FrontService {
            service: Rc::new(service),
            shared: self.0.clone(),
            metrics: Rc::default(),
        }))
    }
}

/// The middleware around one worker's routes.
pub struct FrontService<S> {
    service: Rc<S>,
    shared: Arc<Shared>,
    metrics: Rc<metric::Metrics>,
}

impl<S, B> Service<ServiceRequest> for FrontService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, shared, metrics) = (
            self.service.clone(),
            self.shared.clone(),
            self.metrics.clone(),
        );
        Box::pin(async move {
            let trip = Trip::begin(&shared, &request);
            let span = tracing::info_span!("request", id = trip.id());
            pass(&*service, &shared, &metrics, request, trip)
                .instrument(span)
                .await
        })
    }
}

async fn pass<S, B>(
    service: &S,
    shared: &Shared,
    metrics: &metric::Metrics,
    mut request: ServiceRequest,
    mut trip: Trip,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let mut response = match enter(shared, &mut request, &mut trip).await {
        Ok(Entered::Routes) => {
            // A panic must not end the connection without an answer, nor the worker.
            let routed = AssertUnwindSafe(async { service.call(request).await })
                .catch_unwind()
                .await;
            match routed {
                Ok(Ok(response)) => answer::with_problem(shared, response, &mut trip),
                Ok(Err(error)) => {
                    return Err(answer::failure(
                        shared,
                        metrics,
                        answer::problem_of(&error),
                        trip,
                    ));
                }
                Err(_) => {
                    return Err(answer::failure(
                        shared,
                        metrics,
                        Problem::internal("a handler panicked"),
                        trip,
                    ));
                }
            }
        }
        Ok(Entered::Preflight(response)) => request.into_response(response).map_into_right_body(),
        Err(problem) => {
            trip.code = Some(problem.code());
            request
                .into_response(problem.render(trip.id()))
                .map_into_right_body()
        }
    };
    let status = response.status();
    answer::decorate(shared, response.headers_mut(), &trip);
    metrics.record(&trip, status, || {
        let request = response.request();
        let told = request
            .extensions()
            .get::<RoutePattern>()
            .map(|r| r.0.to_owned());
        told.or_else(|| request.match_pattern())
    });
    trip.log(shared, status);
    Ok(response)
}

enum Entered {
    /// On to the routes.
    Routes,
    /// Answered already.
    Preflight(actix_web::HttpResponse),
}

async fn enter(
    shared: &Shared,
    request: &mut ServiceRequest,
    trip: &mut Trip,
) -> Result<Entered, Problem> {
    refuse_encoded(request.headers())?;
    let uri = request.uri().clone();
    address::check_path(uri.path())?;
    let host = address::host(request)?;
    let target = shared
        .config
        .hosts
        .resolve(&host, uri.path(), request.match_info().as_str())?;
    if let Some(slug) = target.project() {
        let project = match shared.gate.project(slug).await {
            Ok(project) => project,
            Err(problem) => {
                // Asking for names that are not there is counted as well.
                trip.limit = shared.limits().check("", trip, None)?;
                return Err(problem);
            }
        };
        let settings = project.settings();
        trip.origin = cors::allowed(&settings, request.headers());
        trip.varies = !settings.cors_origins.is_empty();
        trip.project = Some(project);
        if let Some(response) = cors::preflight(request, trip.origin.as_ref()) {
            return Ok(Entered::Preflight(response));
        }
    }
    let who = credential::judge(shared, request, trip, &host, !target.is_mapped_host()).await;
    let project = trip.project.as_ref();
    let page = project.and_then(|p| credential::own_page(shared, request, p, &host));
    if let Some(page) = page {
        request.extensions_mut().insert(page);
    }
    if let Some(rest) = target.rest() {
        address::rewrite(request, rest)?;
        trip.uri = request.uri().clone();
    }
    trip.limit = shared
        .limits()
        .check(request.match_info().as_str(), trip, who.as_ref().ok())?;
    let access = Rc::new(trip.access(who, target.is_mapped_host()));
    request.extensions_mut().insert(access);
    if let Some(charge) = trip.charge.take() {
        request.extensions_mut().insert(charge);
    }
    Ok(Entered::Routes)
}

/// A compressed body is decoded whole before any limit holds: 809 bytes became a gigabyte in a trial.
fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let plain =
        |v: &actix_web::http::header::HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    match headers.get_all(CONTENT_ENCODING).all(plain) {
        true => Ok(()),
        false => Err(Problem::new(Code::UnsupportedMediaType)
            .detail("Send the body without a Content-Encoding.")),
    }
}
