//! The one table of what operators' roles may do.

use crate::Problem;
use kernel::Code;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What members may do at the instance: see their projects, and where they own one, its keys.
const MEMBER: &[&str] = &[
    "instance.open",
    "session.read",
    "session.end",
    "projects.read",
    "keys.read",
    "keys.write",
];

/// The nouns that editors may change: data, users, files and push.
const EDITOR_NOUNS: &[&str] = &[
    "records", "batch", "users", "sessions", "buckets", "files", "uploads", "push", "devices",
    "topics", "messages", "teams",
];

/// What neither editors nor viewers may, whatever its name: to become somebody else, as whoever reads the secrets in mails
/// does, and to take passwords' hashes away.
const OWNER_ONLY: &[&str] = &["mails.open", "users.impersonate", "users.read_hashes"];

/// An operator's role in one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectRole {
    /// Everything in the project, its keys included.
    Owner,
    /// Reads everything; changes data, users, files and push.
    Editor,
    /// Reads everything.
    Viewer,
}

impl ProjectRole {
    /// The role of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "owner" => Some(Self::Owner),
            "editor" => Some(Self::Editor),
            "viewer" => Some(Self::Viewer),
            _ => None,
        }
    }

    /// The role's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }
}

/// Where an operator's rights reach: everywhere, or into some projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// An owner of the instance, or the machine's own administrator at the command line.
    Everything,
    /// A member: roles by project uid.
    Projects(HashMap<Uuid, ProjectRole>),
}

impl Reach {
    pub(crate) fn of(role: &str, projects: &Value) -> Self {
        if role == "owner" {
            return Self::Everything;
        }
        let role = |(uid, role): (&String, &Value)| {
            Some((kernel::parse_id(uid)?, ProjectRole::parse(role.as_str()?)?))
        };
        Self::Projects(
            projects
                .as_object()
                .map(|map| map.iter().filter_map(role).collect())
                .unwrap_or_default(),
        )
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Everything => Value::Object(Map::new()),
            Self::Projects(roles) => roles
                .iter()
                .map(|(uid, role)| (uid.to_string(), Value::from(role.as_str())))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// The uids it is narrowed to; none when it is everything.
    pub(crate) fn only(&self) -> Option<Vec<Uuid>> {
        match self {
            Self::Everything => None,
            Self::Projects(roles) => Some(roles.keys().copied().collect()),
        }
    }

    /// Refuses a project that is out of reach as if it did not exist.
    pub(crate) fn see(&self, uid: Uuid) -> Result<(), Problem> {
        match self {
            Self::Everything => Ok(()),
            Self::Projects(roles) if roles.contains_key(&uid) => Ok(()),
            Self::Projects(_) => Err(Code::ProjectNotFound.into()),
        }
    }

    /// Refuses what only the project's owner may do.
    pub(crate) fn own(&self, uid: Uuid) -> Result<(), Problem> {
        self.see(uid)?;
        match self {
            Self::Projects(roles) if roles.get(&uid) != Some(&ProjectRole::Owner) => {
                Err(Code::PermissionDenied.into())
            }
            _ => Ok(()),
        }
    }
}

/// The scopes of the roles, made once from the names of all permissions.
pub(crate) struct Roles {
    everything: Arc<[String]>,
    member: Arc<[String]>,
    editor: Arc<[String]>,
    viewer: Arc<[String]>,
}

impl Roles {
    pub(crate) fn new(known: &[&str]) -> Self {
        let of = |fits: &dyn Fn(&str) -> bool| {
            known
                .iter()
                .filter(|n| fits(n))
                .map(|n| (*n).to_owned())
                .collect::<Vec<_>>()
                .into()
        };
        let reads = |name: &str| {
            (name.ends_with(".read") || name.ends_with(".open")) && !OWNER_ONLY.contains(&name)
        };
        let edits = |name: &str| {
            let noun = name.split_once('.').map(|(noun, _)| noun);
            let changes = noun.is_some_and(|noun| EDITOR_NOUNS.contains(&noun));
            reads(name) || (changes && !OWNER_ONLY.contains(&name))
        };
        Self {
            everything: Arc::from(vec!["*".to_owned()]),
            member: MEMBER
                .iter()
                .map(|n| (*n).to_owned())
                .collect::<Vec<_>>()
                .into(),
            editor: of(&edits),
            viewer: of(&reads),
        }
    }

    /// The scopes at the instance.
    pub(crate) fn at_instance(&self, reach: &Reach) -> Arc<[String]> {
        match reach {
            Reach::Everything => self.everything.clone(),
            Reach::Projects(_) => self.member.clone(),
        }
    }

    /// The scopes in a project; none when it is out of reach.
    pub(crate) fn in_project(&self, reach: &Reach, uid: Uuid) -> Option<Arc<[String]>> {
        match reach {
            Reach::Everything => Some(self.everything.clone()),
            Reach::Projects(roles) => roles.get(&uid).map(|role| match role {
                ProjectRole::Owner => self.everything.clone(),
                ProjectRole::Editor => self.editor.clone(),
                ProjectRole::Viewer => self.viewer.clone(),
            }),
        }
    }
}

/// Whether a key may be given the scope: `*`, a known permission, or `noun.*` of a known one.
pub(crate) fn is_scope(known: &[&str], scope: &str) -> bool {
    let noun = |n: &&str| {
        n.split_once('.')
            .is_some_and(|(noun, _)| scope.strip_suffix(".*") == Some(noun))
    };
    scope == "*" || known.contains(&scope) || known.iter().any(noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &[
        "records.read",
        "records.write",
        "collections.read",
        "collections.write",
        "settings.write",
        "mails.read",
        "mails.open",
        "users.delete",
        "users.impersonate",
        "users.read_hashes",
    ];

    #[test]
    fn roles_give_what_they_say_and_no_more() {
        let roles = Roles::new(KNOWN);
        let uid = kernel::Ids.new_id();
        let given = |role: ProjectRole| {
            roles
                .in_project(&Reach::Projects([(uid, role)].into()), uid)
                .unwrap()
                .to_vec()
        };
        assert_eq!(given(ProjectRole::Owner), ["*"]);
        assert_eq!(
            given(ProjectRole::Editor),
            [
                "records.read",
                "records.write",
                "collections.read",
                "mails.read",
                "users.delete"
            ]
        );
        assert_eq!(
            given(ProjectRole::Viewer),
            ["records.read", "collections.read", "mails.read"]
        );
        assert_eq!(
            roles.in_project(&Reach::Projects(HashMap::new()), uid),
            None
        );
    }

    #[test]
    fn a_reach_survives_its_row_and_hides_what_is_out_of_it() {
        let (uid, other) = (kernel::Ids.new_id(), kernel::Ids.new_id());
        let reach = Reach::Projects([(uid, ProjectRole::Viewer)].into());
        assert_eq!(Reach::of("member", &reach.to_json()), reach);
        assert_eq!(
            reach.own(uid).map_err(|p| p.code()),
            Err(Code::PermissionDenied)
        );
        assert_eq!(
            reach.own(other).map_err(|p| p.code()),
            Err(Code::ProjectNotFound)
        );
    }

    #[test]
    fn scopes_are_known_names() {
        for (scope, want) in [
            ("*", true),
            ("records.read", true),
            ("records.*", true),
            ("records", false),
            ("record.*", false),
            ("nope.read", false),
            ("", false),
            (".*", false),
        ] {
            assert_eq!(is_scope(KNOWN, scope), want, "{scope}");
        }
    }
}
