//! Who calls, from where, and the extractor whose type is a handler's policy.

use crate::{By, Problem, Project};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use kernel::{Code, Stamp};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use uuid::Uuid;

/// Where a request was addressed to. Set once by the front door, before any routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The instance's own host: `/admin`, `/metrics`, the dashboard.
    Instance,
    /// One project, by `/p/{project}` or by its host.
    Project,
}

/// Who holds a permission without being given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// Every caller, signed in or not; rules or the operation itself decide further.
    Everyone,
    /// Every signed-in user; keys and operators need it granted.
    Users,
    /// Nobody: a key needs the scope, an operator the role.
    Granted,
}

/// One permission, `noun.verb`. A handler names it in its signature: `Caller<can::RecordsWrite>`.
pub trait Permission: 'static {
    /// The place where its operations live: [`InProject`] or [`InInstance`].
    type Place: PlaceKind;
    /// The name by which keys are given it.
    const NAME: &'static str;
    /// Who holds it without being given it.
    const HOLDERS: Holders;
}

/// The type-level form of [`Place`].
pub trait PlaceKind: 'static {
    /// The place.
    const PLACE: Place;
}

/// Operations of a project.
pub struct InProject;

/// Operations of the instance.
pub struct InInstance;

impl PlaceKind for InProject {
    const PLACE: Place = Place::Project;
}

impl PlaceKind for InInstance {
    const PLACE: Place = Place::Instance;
}

/// A signed-in user, as rules see it.
#[derive(Clone, Debug)]
pub struct UserAuth {
    /// The user.
    pub id: Uuid,
    /// The session that the token belongs to.
    pub session: Uuid,
    /// What rules read as `auth`.
    pub auth: Arc<rules::Auth>,
    /// When a credential was last shown in this session.
    pub proved_at: Stamp,
    /// Who acts as the user, where it is not the user: `operator:<id>` or `key:<id>`.
    pub impersonator: Option<Arc<str>>,
}

impl UserAuth {
    /// A user who acts for itself.
    #[must_use]
    pub fn new(id: Uuid, session: Uuid, auth: Arc<rules::Auth>, proved_at: Stamp) -> Self {
        Self {
            id,
            session,
            auth,
            proved_at,
            impersonator: None,
        }
    }
}

/// The caller's credential, already verified.
#[derive(Clone, Debug)]
pub enum Who {
    /// Nobody is signed in.
    Anonymous,
    /// A user of the project.
    User(UserAuth),
    /// A project key.
    Key {
        /// The key's row.
        id: Uuid,
        /// What it was given: permission names, `noun.*` or `*`.
        scopes: Arc<[String]>,
    },
    /// An operator of the instance.
    Operator {
        /// The operator's row.
        id: Uuid,
        /// Permission names the role gives at this place, `noun.*` or `*`.
        scopes: Arc<[String]>,
    },
}

impl Who {
    /// Whether the caller holds the permission `name`.
    #[must_use]
    pub fn may(&self, name: &str, holders: Holders) -> bool {
        match (self, holders) {
            (Self::Anonymous, Holders::Everyone)
            | (Self::User(_), Holders::Everyone | Holders::Users) => true,
            (Self::Anonymous | Self::User(_), _) => false,
            (Self::Key { scopes, .. } | Self::Operator { scopes, .. }, _) => {
                scopes.iter().any(|scope| covers(scope, name))
            }
        }
    }

    /// Whether the caller passes rules: keys and operators do, users and strangers do not.
    #[must_use]
    pub fn passes_rules(&self) -> bool {
        matches!(self, Self::Key { .. } | Self::Operator { .. })
    }

    /// What rules read as `auth`; absent unless a user is signed in.
    #[must_use]
    pub fn auth(&self) -> Option<&rules::Auth> {
        match self {
            Self::User(user) => Some(&user.auth),
            _ => None,
        }
    }

    /// The caller's name in the change log, the audit log and idempotency rows: `user:<id>`, `key:<id>`,
    /// `operator:<id>`; none for strangers.
    #[must_use]
    pub fn actor(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(format!("user:{}", user.id)),
            Self::Key { id, .. } => Some(format!("key:{id}")),
            Self::Operator { id, .. } => Some(format!("operator:{id}")),
        }
    }
}

/// Whether the scope `scope` (`*`, `records.*` or `records.read`) covers the permission `name`.
fn covers(scope: &str, name: &str) -> bool {
    scope == "*"
        || scope == name
        || scope
            .strip_suffix('*')
            .is_some_and(|prefix| prefix.ends_with('.') && name.starts_with(prefix))
}

/// What the front door found out about a request: made once, before routing, and read by [`Caller`].
pub struct Access {
    /// Where the request was addressed to.
    pub place: Place,
    /// The project, if the place is one.
    pub project: Option<Arc<Project>>,
    /// Whether the request came by a host of the project's own, where its site is served, and not below a prefix.
    pub on_own_host: bool,
    /// Who calls, or why the credential that was sent is not good.
    pub who: Result<Who, Problem>,
    /// The present, fixed once for the request.
    pub now: Stamp,
    /// Names the request in logs and problems.
    pub request_id: String,
    /// The peer's network: an IPv4 address, or the /64 of an IPv6 address.
    pub network: String,
}

/// A caller that holds `P`, at `P`'s place. The only way to a project's handles.
pub struct Caller<P: Permission> {
    access: Rc<Access>,
    who: Who,
    permission: PhantomData<P>,
}

impl<P: Permission> Caller<P> {
    /// Who calls.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// The present, fixed once for the request.
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.access.now
    }

    /// Names the request in logs and problems.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.access.request_id
    }

    /// The peer's network: an IPv4 address, or the /64 of an IPv6 address.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.access.network
    }

    /// Whether the request came by a host of the project's own, where its site is served, and not below a prefix.
    #[must_use]
    pub fn on_own_host(&self) -> bool {
        self.access.on_own_host
    }

    /// What the caller's acts have in common in the audit log.
    #[must_use]
    pub fn by(&self) -> By {
        By {
            actor: self.who.actor(),
            network: self.access.network.clone(),
            request_id: self.access.request_id.clone(),
            now: self.access.now,
        }
    }

    /// The signed-in user's id; a problem for keys and operators.
    pub fn user(&self) -> Result<&UserAuth, Problem> {
        match &self.who {
            Who::User(user) => Ok(user),
            _ => Err(Code::PermissionDenied.into()),
        }
    }
}

impl<P: Permission<Place = InProject>> Caller<P> {
    /// The project that the request was addressed to.
    pub fn project(&self) -> Result<&Arc<Project>, Problem> {
        self.access
            .project
            .as_ref()
            .ok_or_else(|| Code::ProjectNotFound.into())
    }
}

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(admit::<P>(request))
    }
}

fn admit<P: Permission>(request: &HttpRequest) -> Result<Caller<P>, Problem> {
    let access = request
        .extensions()
        .get::<Rc<Access>>()
        .cloned()
        .ok_or(Code::RouteNotFound)?;
    if access.place != P::Place::PLACE {
        return Err(Code::RouteNotFound.into());
    }
    let who = access.who.clone()?;
    if who.may(P::NAME, P::HOLDERS) {
        return Ok(Caller {
            access,
            who,
            permission: PhantomData,
        });
    }
    match who {
        Who::Anonymous => Err(Code::Unauthenticated.into()),
        _ => Err(Problem::new(Code::PermissionDenied)
            .detail(format!("This needs the permission {}.", P::NAME))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cover_what_they_name_and_no_more() {
        let cases = [
            ("*", "records.read", true),
            ("records.*", "records.read", true),
            ("records.read", "records.read", true),
            ("records.read", "records.write", false),
            ("records*", "records.read", false),
            ("record.*", "records.read", false),
            ("", "records.read", false),
        ];
        for (scope, name, want) in cases {
            assert_eq!(covers(scope, name), want, "{scope} {name}");
        }
    }

    #[test]
    fn nobody_holds_what_must_be_granted() {
        for who in [
            Who::Anonymous,
            Who::Key {
                id: Uuid::nil(),
                scopes: Arc::from(vec![]),
            },
        ] {
            assert!(!who.may("collections.write", Holders::Granted));
        }
        assert!(Who::Anonymous.may("records.read", Holders::Everyone));
        assert!(!Who::Anonymous.may("users.me", Holders::Users));
        assert!(
            !Who::Key {
                id: Uuid::nil(),
                scopes: Arc::from(vec![])
            }
            .may("records.read", Holders::Everyone)
        );
    }
}
