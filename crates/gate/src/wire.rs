//! What the documents say about requests and pages: the shapes that callers send, and lists around views.
//!
//! Requests are read by `Input`, which names all faults at once; these types exist for the documents alone.

mod ways;

pub use ways::*;
mod policies;

pub use policies::{
    HookSecretView, ProjectCaptchaPatch, ProjectEmailDomainsPatch, ProjectHookPatch,
    ProjectHooksPatch, ProjectLockoutPatch, ProjectPasswordsPatch,
};

use crate::settings::{MailTls, SecondFactorPolicy, SignUp, SigningAlgorithm, SocialProvider};
use crate::views::{AuditView, KeyView, OperatorView, ProjectView, RequestView};
use utoipa::{IntoParams, ToSchema};

/// What every list takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// Things of the page at most: 1 to 1,000, else 30.
    #[param(minimum = 1, maximum = 1000, default = 30)]
    pub limit: Option<u32>,
    /// Where the page begins: what the page before gave as `next_cursor`.
    pub cursor: Option<String>,
    /// `exact` asks for `total`.
    #[param(inline)]
    pub count: Option<CountWord>,
}

/// How to count a list.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CountWord {
    /// Every one.
    Exact,
}

/// What the list of requests takes beside.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestParams {
    /// Only those to this project.
    pub project: Option<String>,
    /// Only those with this status, such as 404, or a class such as 4xx.
    pub status: Option<String>,
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            pub struct $name {
                /// The page's things, in order.
                pub items: Vec<$item>,
                /// Hand this back as `cursor` for the next page; null on the last.
                #[schema(required = true)]
                pub next_cursor: Option<String>,
                /// All of them, on all pages; only when asked for with `count=exact`.
                #[schema(nullable = false)]
                pub total: Option<u64>,
            }
        )*
    };
}

pages! {
    /// A page of projects.
    ProjectPage of ProjectView;
    /// A page of operators.
    OperatorPage of OperatorView;
    /// A page of project keys.
    ProjectKeyPage of KeyView;
    /// A page of an audit log, newest first.
    AuditPage of AuditView;
    /// A page of the request log, newest first.
    RequestPage of RequestView;
}

/// A new project.
#[derive(ToSchema)]
pub struct ProjectCreate {
    /// The slug by which it is addressed, for good.
    #[schema(
        min_length = 3,
        max_length = 40,
        pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$",
        example = "shop"
    )]
    pub id: String,
    /// The name that people read; the id unless it is given.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
}

/// A change of a project.
#[derive(ToSchema)]
pub struct ProjectPatch {
    /// The name that people read.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// A new project key.
#[derive(ToSchema)]
pub struct ProjectKeyCreate {
    /// The name that people read.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it may: permission names, `noun.*` or `*`.
    #[schema(min_items = 1, max_items = 100, example = json!(["records.read"]))]
    pub scopes: Vec<String>,
    /// When it ends, if ever.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// A new operator.
#[derive(ToSchema)]
pub struct OperatorCreate {
    /// The e-mail address.
    #[schema(max_length = 254, format = Email)]
    pub email: String,
    /// The password: at least 10 characters, at most 512 bytes, and known from no breach.
    #[schema(min_length = 10, max_length = 512, format = Password)]
    pub password: String,
    /// The name that people read.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// `owner` of the instance, or `member` of the projects named; `member` unless it is given.
    pub role: Option<OperatorRole>,
    /// A member's role by project id.
    pub projects: Option<std::collections::HashMap<String, ProjectRoleName>>,
}

/// An operator's role at the instance.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Everything, everywhere.
    Owner,
    /// Only what is given per project.
    Member,
}

/// An operator's role in a project.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ProjectRoleName {
    /// Everything in the project, its keys included.
    Owner,
    /// Reads everything; changes data, users, files and push.
    Editor,
    /// Reads everything.
    Viewer,
}

/// The first operator.
#[derive(ToSchema)]
pub struct SetUp {
    /// The secret of the link that the server printed.
    pub token: String,
    /// The e-mail address.
    #[schema(max_length = 254, format = Email)]
    pub email: String,
    /// The password: at least 10 characters, at most 512 bytes, and known from no breach.
    #[schema(min_length = 10, max_length = 512, format = Password)]
    pub password: String,
    /// The name that people read.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
}

/// An operator's credentials.
#[derive(ToSchema)]
pub struct SignIn {
    /// The e-mail address.
    pub email: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
}

/// The operator who is signed in.
#[derive(serde::Serialize, ToSchema)]
pub struct Present {
    /// Who it is.
    pub operator: OperatorView,
}

/// A change of a project's settings; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectSettingsPatch {
    /// Origins whose pages may call the project, exactly as browsers send them.
    #[schema(max_items = 100, example = json!(["https://shop.example"]))]
    pub cors_origins: Option<Vec<String>>,
    /// Whether strangers may create accounts.
    pub sign_up: Option<SignUp>,
    /// Whether who signs up with an address and a password confirms it by mail before there is an account, so that
    /// sign-up tells nobody whether an address has one.
    pub confirm_email: Option<bool>,
    /// By which ways users sign in.
    pub sign_in: Option<ProjectSignInPatch>,
    /// Whether refusals by rules are explained to callers.
    pub development: Option<bool>,
    /// How pages and mails look.
    pub brand: Option<ProjectBrandPatch>,
    /// How mails leave.
    pub mail: Option<ProjectMailPatch>,
    /// How codes reach telephones.
    pub phone: Option<ProjectPhonePatch>,
    /// How pages of the project's own origin hold sessions.
    pub sessions: Option<ProjectSessionsPatch>,
    /// What becomes of users without an identity.
    pub anonymous: Option<ProjectAnonymousPatch>,
    /// What is demanded of passwords.
    pub passwords: Option<ProjectPasswordsPatch>,
    /// How many wrong guesses are borne.
    pub lockout: Option<ProjectLockoutPatch>,
    /// From which domains addresses are taken.
    pub email_domains: Option<ProjectEmailDomainsPatch>,
    /// Proof that a person asks; null: none is demanded.
    pub captcha: Option<ProjectCaptchaPatch>,
    /// Whether users are told by mail of sign-ins from a device and network that they had not used lately.
    pub new_device_mail: Option<bool>,
    /// Webhooks that are asked before something is done.
    pub hooks: Option<ProjectHooksPatch>,
    /// Whether users may make teams. Keys and operators always may.
    pub user_teams: Option<bool>,
    /// For whom passkeys are made.
    pub passkeys: Option<ProjectPasskeysPatch>,
    /// Who is asked for a second factor.
    pub second_factor: Option<ProjectSecondFactorPatch>,
    /// By whose accounts users sign in.
    pub social: Option<ProjectSocialPatch>,
    /// How the project's own tokens are made.
    pub auth: Option<ProjectAuthPatch>,
}

/// A change of for whom passkeys are made; what is absent stays, null resets.
#[derive(ToSchema)]
pub struct ProjectPasskeysPatch {
    /// The domain that passkeys are bound to. With another one all passkeys there are are lost.
    pub rp_id: Option<String>,
    /// What authenticators call the project.
    pub rp_name: Option<String>,
    /// Origins that may ask for passkeys.
    pub origins: Option<Vec<String>>,
}

/// A change of who is asked for a second factor; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectSecondFactorPatch {
    /// Whether one is asked for.
    pub policy: Option<SecondFactorPolicy>,
    /// With `required`: whom it is required of. Empty: everybody.
    #[schema(max_items = 100)]
    pub roles: Option<Vec<String>>,
}

/// A change of by whose accounts users sign in; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectSocialPatch {
    /// All providers. A secret that is left out stays, as long as its provider is the same.
    pub providers: Option<Vec<SocialProvider>>,
    /// Where browsers may be sent back to, each exactly.
    pub redirect_addresses: Option<Vec<String>>,
}

/// A change of how the project's own tokens are made; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectAuthPatch {
    /// What access tokens are signed with.
    pub signing_algorithm: Option<SigningAlgorithm>,
}

/// A change of the ways by which users sign in; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectSignInPatch {
    /// What users are known by: `email`, `username`, `phone`, or unique text fields of the collection `users`.
    #[schema(min_items = 1, max_items = 5, example = json!(["email", "username"]))]
    pub identities: Option<Vec<String>>,
    /// By a password.
    pub password: Option<bool>,
    /// By a code that is sent by mail.
    pub email_code: Option<bool>,
    /// By a link that is sent by mail. It ends at `brand.app_url`.
    pub magic_link: Option<bool>,
    /// By a code that is sent to a telephone.
    pub phone_code: Option<bool>,
    /// By a passkey.
    pub passkey: Option<bool>,
    /// Without any identity, to be given one later.
    pub anonymous: Option<bool>,
}

/// A change of how pages and mails look; what is absent stays, null resets.
#[derive(ToSchema)]
pub struct ProjectBrandPatch {
    /// What people know the project by.
    #[schema(max_length = 100)]
    pub name: Option<String>,
    /// The colour of buttons.
    #[schema(pattern = "^(#[0-9a-fA-F]{6})?$", example = "#1c3d5a")]
    pub color: Option<String>,
    /// An https address of a picture.
    #[schema(max_length = 500)]
    pub logo_url: Option<String>,
    /// Where the app is.
    #[schema(max_length = 500)]
    pub app_url: Option<String>,
}

/// A change of how mails leave; what is absent stays, null resets.
#[derive(ToSchema)]
pub struct ProjectMailPatch {
    /// The sender's address.
    #[schema(max_length = 254)]
    pub from: Option<String>,
    /// The sender's name.
    #[schema(max_length = 255)]
    pub from_name: Option<String>,
    /// Where answers go.
    #[schema(max_length = 254)]
    pub reply_to: Option<String>,
    /// The project's own mail server; null: the instance's.
    pub smtp: Option<ProjectSmtpPatch>,
}

/// A change of a mail server.
#[derive(ToSchema)]
pub struct ProjectSmtpPatch {
    /// Its public name or address.
    #[schema(max_length = 253, example = "smtp.example.com")]
    pub host: Option<String>,
    /// 25, 465, 587 or 2525.
    #[schema(example = 587)]
    pub port: Option<u16>,
    /// How the connection is protected.
    pub tls: Option<MailTls>,
    /// Whom to sign in as.
    #[schema(max_length = 255)]
    pub username: Option<String>,
    /// Sealed at rest and in no answer. Another host or port needs it anew.
    #[schema(max_length = 255, format = Password)]
    pub password: Option<String>,
}
