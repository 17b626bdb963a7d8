//! The shared auth and tenancy layer: projects, operators and keys; who calls, for which project, and may they.
//!
//! Nothing else makes a [`Caller`], so a handler cannot reach a project that its caller was not let into. It knows no
//! service: whoever owns user sessions implements [`ports::UserTokens`].

pub mod can;
mod caller;
pub mod input;
mod json;
pub mod ports;
mod problem;
mod project;

pub use caller::{Access, Caller, InInstance, InProject, Holders, Permission, Place, PlaceKind, UserAuth, Who};
pub use input::Input;
pub use json::{Body, parse_json};
pub use problem::{Problem, ProblemView};
pub use project::Project;
