//! The shared auth and tenancy layer: projects, operators and keys; who calls, for which project, and may they.
//!
//! Nothing else makes a [`Caller`], so a handler cannot reach a project that its caller was not let into. It knows no
//! service: whoever owns user sessions implements [`ports::UserTokens`].
//!
//! Invariants:
//! - A request has one place, set before routing: no instance route is reachable below a project, nor the reverse.
//! - A credential is judged once, at the front door; one that is not good is never taken for none.
//! - Secrets are kept as hashes or sealed; what the log, the trace and the audit hold is not one.
//! - Every answer of 400 and above is `application/problem+json` with a code of kernel's table.

#![recursion_limit = "256"]

pub mod audit;
mod cache;
mod caller;
pub mod can;
mod config;
pub mod egress;
mod email;
mod front;
mod idempotency;
pub mod input;
mod json;
mod migrations;
pub mod openapi;
pub mod password;
pub mod ports;
mod problem;
mod project;
mod query;
mod requests;
mod roles;
mod routes;
mod rows;
mod sealed;
mod secrets;
mod service;
mod settings;
mod tokens;
mod views;
pub mod webhook;
pub mod wire;

pub use audit::{By, Entry};
pub use caller::{
    Access, Caller, Holders, InInstance, InProject, Permission, Place, PlaceKind, UserAuth, Who,
};
pub use config::{GateConfig, LimitsConfig, PasswordsConfig, RequestLogConfig, SessionsConfig};
pub use email::email_key;
pub use front::{
    CSRF_HEADER, Cidr, Front, FrontConfig, FrontService, OwnPage, Page, RoutePattern, charge,
    place_guard, session_cookies,
};
pub use idempotency::{Idempotent, NoIdempotency};
pub use input::Input;
pub use json::{Body, Lines, parse_json};
pub use migrations::{instance_steps, log_steps, project_steps};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, Passwords, check_new_password};
pub use problem::{Problem, ProblemView};
pub use project::Project;
pub use query::{ListQuery, QueryInput};
pub use requests::RequestLog;
pub use roles::{ProjectRole, Reach};
pub use routes::{configure_instance, configure_project};
pub use secrets::{Master, StartError};
pub use service::{Gate, GateParts, KeyIn, KeyMade, OperatorIn, ProjectIn, RequestsQuery, Signed};
pub use settings::{
    AnonymousSettings, AuthSettings, Brand, CaptchaPlace, CaptchaProvider, CaptchaSettings,
    CharacterClass, EmailDomains, Hook, HookName, Hooks, Lockout, MailSettings, MailTls,
    PasskeySettings, PasswordPolicy, PhoneSettings, PhoneTwilio, PhoneWebhook, PreviousSecret,
    SameSite, SecondFactor, SecondFactorPolicy, SessionSettings, Settings, SignInMethods, SignUp,
    SigningAlgorithm, SmtpSettings, SocialEndpoints, SocialKind, SocialProvider, SocialSettings,
};
pub use tokens::{new_token, open_cursor, sign_cursor, token_digest, token_hash};
pub use views::{
    At, AuditView, KeyView, NewKeyView, OperatorView, ProjectView, RequestView, SessionView,
    Versioned,
};
