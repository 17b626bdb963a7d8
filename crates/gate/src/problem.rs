//! The one shape of every error on the wire: `application/problem+json` (RFC 9457).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use kernel::{Code, FieldError, Kind};
use serde::Serialize;
use store::StoreError;

/// Faults that an answer tells at most: who sends tens of thousands is not sent a multiple of that back.
pub const FAULTS_MAX: usize = 100;

/// A failure on its way to the client. Built from a code; the front door adds the request's id and renders it.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    hint: Option<String>,
    place: Option<(usize, usize)>,
    retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem with nothing to add to its code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after_seconds =
            matches!(code.kind(), Kind::Unavailable | Kind::Limited).then_some(1);
        Self(Box::new(Inner {
            code,
            detail: None,
            errors: Vec::new(),
            hint: None,
            place: None,
            retry_after_seconds,
        }))
    }

    /// With a sentence about this occurrence. Never from the database or the file system.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// With the faults of single values. The first 100 of them are sent.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// With advice for the developer.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// With the place in the text that is at fault: where it begins and how long it is, in code points.
    #[must_use]
    pub fn place(mut self, offset: usize, length: usize) -> Self {
        self.0.place = Some((offset, length));
        self
    }

    /// With a `Retry-After` of so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// A fault of ours: the story goes to the trace, the client reads "internal error".
    #[must_use]
    pub fn internal(story: impl std::fmt::Display) -> Self {
        tracing::error!(error = %story, "internal error");
        Self::new(Code::Internal)
    }

    /// The faults of known fields with bad values.
    #[must_use]
    pub fn validation(errors: Vec<FieldError>) -> Self {
        Self::new(Code::ValidationFailed).errors(errors)
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence about this occurrence, if there is one.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The faults of single values.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The body as it is sent.
    #[must_use]
    pub fn view(&self, request_id: &str) -> ProblemView<'_> {
        let inner = &*self.0;
        ProblemView {
            r#type: format!("/errors/{}", inner.code.as_str()),
            title: inner.code.title(),
            status: self.status_code().as_u16(),
            code: inner.code,
            detail: inner.detail.as_deref(),
            request_id: request_id.to_owned(),
            errors: inner.errors.get(..FAULTS_MAX).unwrap_or(&inner.errors),
            hint: inner.hint.as_deref(),
            offset: inner.place.map(|(offset, _)| offset),
            length: inner.place.map(|(_, length)| length),
        }
    }

    /// The whole response, with the request's id in its body.
    #[must_use]
    pub fn render(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.0.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.body(serde_json::to_string(&self.view(request_id)).unwrap_or_default())
    }
}

/// The problem's body (RFC 9457, section 3), with our members `code`, `request_id`, `errors`, `hint`, `offset`
/// and `length`.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemView<'a> {
    /// Names the kind of problem: the code, as a path.
    pub r#type: String,
    /// A short sentence, the same for every occurrence.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: Code,
    /// A sentence about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// Names the request in the logs.
    pub request_id: String,
    /// The faults of single values, the first 100 of them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
    /// Advice for the developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
    /// Where in the filter the fault begins, in code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// How long it is, in code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

/// The one place where kinds become statuses.
fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Precondition => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Storage => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Range => StatusCode::RANGE_NOT_SATISFIABLE,
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code.as_str())?;
        self.0
            .detail
            .as_ref()
            .map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.0.code.kind())
    }

    /// Carries the problem to the front door, which knows the request's id.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// Failures of the store that no service has turned into a fact of its own.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::CommitUnknown(_) => {
                tracing::error!(%error, "commit unknown");
                Self::new(Code::CommitUnknown).hint(
                    "Send the request again with the same Idempotency-Key to learn the outcome.",
                )
            }
            StoreError::Suspended | StoreError::Busy(_) | StoreError::Aborted => {
                tracing::warn!(%error, "unavailable");
                Self::new(Code::Unavailable)
            }
            StoreError::TooExpensive => Self::new(Code::TooExpensive),
            StoreError::TooLarge => Self::new(Code::ResponseTooLarge),
            StoreError::Full => {
                tracing::error!(%error, "disk full");
                Self::new(Code::StorageFull)
            }
            StoreError::Closed | StoreError::Newer(_) => {
                tracing::error!(%error, "project unavailable");
                Self::new(Code::ProjectUnavailable)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}
