//! The one table of error codes. A kind is free of any transport; the gate alone maps it to a status.

use serde::{Deserialize, Serialize};

/// What class of failure a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed, or names what does not exist or may not be named.
    Malformed,
    /// Nobody is signed in, or the credential is not good here.
    Unauthenticated,
    /// Signed in, the thing is visible, the act is not allowed.
    Forbidden,
    /// Absent or invisible.
    NotFound,
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// The client took too long to send its request.
    TooSlow,
    /// The state of things forbids it; trying again after a change may work.
    Conflict,
    /// A condition of the request does not hold.
    Precondition,
    /// More bytes than allowed.
    TooLarge,
    /// A body of a type or coding that is not taken.
    UnsupportedMedia,
    /// Known names with bad values.
    Invalid,
    /// Too many requests.
    Limited,
    /// A fault of ours.
    Internal,
    /// Not now; a retry may work.
    Unavailable,
    /// No room left.
    Storage,
    /// The part that was asked for is not there.
    Range,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident, $title:literal;)*) => {
        /// Every code a problem can carry. Published in the OpenAPI documents; additive only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All codes, in the table's order.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as it is sent.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The class of failure.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind,)* }
            }

            /// A short sentence for people, the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request line, path or a header is malformed.
    BadRequest = "bad_request", Malformed, "The request is malformed";
    /// The body is not the JSON that the operation takes.
    InvalidJson = "invalid_json", Malformed, "The body is not valid JSON";
    /// A field that does not exist, or may not be written, was named.
    UnknownField = "unknown_field", Malformed, "A field that does not exist was named";
    /// A field that the caller may not write was named.
    ReadonlyField = "readonly_field", Malformed, "A field that cannot be written was named";
    /// A query parameter is unknown or has a bad value.
    InvalidParameter = "invalid_parameter", Malformed, "A query parameter is not valid";
    /// The filter does not parse, or names what does not exist.
    InvalidFilter = "invalid_filter", Malformed, "The filter is not valid";
    /// The sort names what does not exist or cannot be sorted by.
    InvalidSort = "invalid_sort", Malformed, "The sort is not valid";
    /// The cursor is not one of ours.
    InvalidCursor = "invalid_cursor", Malformed, "The cursor is not valid";
    /// The cursor belongs to another sort, filter, caller or schema.
    CursorMismatch = "cursor_mismatch", Malformed, "The cursor belongs to another query";
    /// An id is not a UUID.
    InvalidId = "invalid_id", Malformed, "The id is not valid";
    /// The path of a file is not one.
    InvalidPath = "invalid_path", Malformed, "The file's path is not valid";
    /// The idempotency key is not 16 to 128 characters, or not taken here.
    InvalidIdempotencyKey = "invalid_idempotency_key", Malformed, "The idempotency key is not valid";
    /// The one-time secret is wrong, used or out of date.
    InvalidToken = "invalid_token", Malformed, "The token is not valid";
    /// A passkey or a code that is not good.
    InvalidFactor = "invalid_factor", Malformed, "The passkey or the code is not good";
    /// A provider that users sign in by did not answer as it should.
    ProviderFailed = "provider_failed", Malformed, "The provider did not answer as it should";
    /// No credential, or one that is not good here.
    Unauthenticated = "unauthenticated", Unauthenticated, "Sign in first";
    /// The last proof of who the user is was too long ago.
    ReauthRequired = "reauth_required", Forbidden, "Show a credential again first";
    /// The session began with one factor, and the act needs two.
    SecondFactorRequired = "second_factor_required", Forbidden, "Show a second factor first";
    /// The identity or the password is wrong.
    InvalidCredentials = "invalid_credentials", Unauthenticated, "The identity or the password is wrong";
    /// The refresh token is used, ended or unknown.
    InvalidRefreshToken = "invalid_refresh_token", Unauthenticated, "The refresh token is not valid";
    /// The caller's credential does not carry the permission.
    PermissionDenied = "permission_denied", Forbidden, "The permission is missing";
    /// A rule of the collection does not allow the act.
    RuleDenied = "rule_denied", Forbidden, "A rule does not allow this";
    /// A request of another origin with a cookie.
    CrossOrigin = "cross_origin", Forbidden, "The origin is not allowed";
    /// Sign-up is not open.
    SignUpClosed = "sign_up_closed", Forbidden, "Sign-up is closed";
    /// The project's users do not sign in this way.
    MethodDisabled = "method_disabled", Forbidden, "This way to sign in is not open";
    /// The project's users make no teams.
    TeamsClosed = "teams_closed", Forbidden, "Users cannot make teams here";
    /// Somebody acts as this user who is another.
    Impersonated = "impersonated", Forbidden, "This cannot be done as somebody else";
    /// Nobody signs up but who was invited.
    InvitationRequired = "invitation_required", Forbidden, "Sign-up needs an invitation";
    /// The password is right, but nobody has shown that the address is theirs; a mail to do so is on its way.
    EmailNotConfirmed = "email_not_confirmed", Forbidden, "The address is not confirmed yet";
    /// Addresses of this domain are not taken.
    EmailDomainRefused = "email_domain_refused", Forbidden, "Addresses of this domain are not taken";
    /// The project's own hook refused the sign-up.
    SignUpRefused = "sign_up_refused", Forbidden, "The sign-up was refused";
    /// The proof that a person asks is missing, or not good.
    CaptchaFailed = "captcha_failed", Forbidden, "The CAPTCHA was not solved";
    /// No such hook.
    HookNotFound = "hook_not_found", NotFound, "There is no such hook";
    /// No such address.
    RouteNotFound = "route_not_found", NotFound, "There is nothing at this address";
    /// No such project, or none that may be seen.
    ProjectNotFound = "project_not_found", NotFound, "There is no such project";
    /// No such collection, or none that may be seen.
    CollectionNotFound = "collection_not_found", NotFound, "There is no such collection";
    /// No such version of the collection is kept.
    VersionNotFound = "version_not_found", NotFound, "There is no such version";
    /// No such record, or none that may be seen.
    RecordNotFound = "record_not_found", NotFound, "There is no such record";
    /// No such bucket.
    BucketNotFound = "bucket_not_found", NotFound, "There is no such bucket";
    /// No such file, or none that may be seen.
    FileNotFound = "file_not_found", NotFound, "There is no such file";
    /// No such user.
    UserNotFound = "user_not_found", NotFound, "There is no such user";
    /// No such team, or none that may be seen.
    TeamNotFound = "team_not_found", NotFound, "There is no such team";
    /// No such invitation, or one that is used, out of date or another's.
    InvitationNotFound = "invitation_not_found", NotFound, "There is no such invitation";
    /// No such operator.
    OperatorNotFound = "operator_not_found", NotFound, "There is no such operator";
    /// No such project key.
    KeyNotFound = "key_not_found", NotFound, "There is no such key";
    /// No such device, or none that may be seen.
    DeviceNotFound = "device_not_found", NotFound, "There is no such device";
    /// No such message.
    MessageNotFound = "message_not_found", NotFound, "There is no such message";
    /// No such mail.
    MailNotFound = "mail_not_found", NotFound, "There is no such mail";
    /// No such template, or not in this language.
    TemplateNotFound = "template_not_found", NotFound, "There is no such template";
    /// The project has no such provider of accounts.
    ProviderNotFound = "provider_not_found", NotFound, "There is no such provider";
    /// The user has no such account elsewhere, or none with tokens.
    IdentityNotFound = "identity_not_found", NotFound, "There is no such identity";
    /// The address does not take this method.
    MethodNotAllowed = "method_not_allowed", MethodNotAllowed, "The method is not allowed here";
    /// The request's body did not arrive in time.
    RequestTimeout = "request_timeout", TooSlow, "The request took too long to arrive";
    /// A value that must be unique is taken.
    Duplicate = "duplicate", Conflict, "The value is taken";
    /// The id is taken.
    IdTaken = "id_taken", Conflict, "The id is taken";
    /// The record is still referred to.
    Referenced = "referenced", Conflict, "It is still referred to";
    /// The project's slug is taken.
    ProjectTaken = "project_taken", Conflict, "The project's id is taken";
    /// The collection's name is taken.
    CollectionTaken = "collection_taken", Conflict, "The collection's name is taken";
    /// The bucket's name is taken.
    BucketTaken = "bucket_taken", Conflict, "The bucket's name is taken";
    /// The bucket holds files.
    BucketNotEmpty = "bucket_not_empty", Conflict, "The bucket holds files";
    /// A field of a record holds the file.
    FileInUse = "file_in_use", Conflict, "A record holds the file";
    /// An operator with this e-mail exists.
    OperatorTaken = "operator_taken", Conflict, "An operator with this e-mail exists";
    /// An account with this identity exists.
    IdentityTaken = "identity_taken", Conflict, "The identity is taken";
    /// The user has an identity already.
    NotAnonymous = "not_anonymous", Conflict, "The user has an identity already";
    /// The user is disabled.
    UserDisabled = "user_disabled", Conflict, "The user is disabled";
    /// An account has the address, which the provider has not verified.
    LinkRequired = "link_required", Conflict, "An account with this address must be linked by its owner";
    /// The act would leave nothing to sign in with.
    LastWayIn = "last_way_in", Conflict, "The last way to sign in cannot go";
    /// The provider gives no token until the person signs in there again.
    ConsentRequired = "consent_required", Conflict, "The person must sign in at the provider again";
    /// The first operator exists already.
    SetupDone = "setup_done", Conflict, "The set-up is done";
    /// The team would have no owner.
    LastOwner = "last_owner", Conflict, "The last owner cannot go";
    /// There are as many as there may be.
    LimitReached = "limit_reached", Conflict, "There are as many as there may be";
    /// The act would leave no operator.
    LastOperator = "last_operator", Conflict, "The last operator cannot go";
    /// Everything of the message was sent or given up.
    MessageDone = "message_done", Conflict, "The message is done";
    /// The change would lose data, and nobody has agreed to that.
    ConfirmationRequired = "confirmation_required", Conflict, "The change would lose data";
    /// The collection was changed while the request was on its way; nothing was written.
    SchemaChanged = "schema_changed", Conflict, "The collection was changed meanwhile";
    /// A request with the same idempotency key is still running.
    InFlight = "in_flight", Conflict, "The same request is still running";
    /// The changes that were asked for are kept no more, or cannot be told apart from what may not be told.
    ResyncRequired = "resync_required", Conflict, "The records must be listed again";
    /// `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed = "precondition_failed", Precondition, "The record is at another version";
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", TooLarge, "The body is too large";
    /// The answer would be larger than allowed.
    ResponseTooLarge = "response_too_large", TooLarge, "The answer would be too large";
    /// The body's type or coding is not taken.
    UnsupportedMediaType = "unsupported_media_type", UnsupportedMedia, "The body's type is not supported";
    /// One or more known fields have bad values.
    ValidationFailed = "validation_failed", Invalid, "One or more values are not valid";
    /// The idempotency key was used with another request.
    IdempotencyMismatch = "idempotency_mismatch", Invalid, "The idempotency key was used for another request";
    /// A rule of the schema does not resolve.
    InvalidRule = "invalid_rule", Invalid, "A rule is not valid";
    /// Too many requests.
    RateLimited = "rate_limited", Limited, "Too many requests";
    /// A fault of ours; the trace has the story.
    Internal = "internal", Internal, "Internal error";
    /// The outcome of the commit is not known; it may have been applied.
    CommitUnknown = "commit_unknown", Unavailable, "The write may or may not have been applied";
    /// The server is overloaded, starting or stopping.
    Unavailable = "unavailable", Unavailable, "Not available at the moment";
    /// Whether a person asks could not be found out.
    CaptchaUnavailable = "captcha_unavailable", Unavailable, "The CAPTCHA cannot be verified at the moment";
    /// The project's own hook did not answer well.
    HookFailed = "hook_failed", Unavailable, "The project's hook did not answer";
    /// This project alone cannot serve.
    ProjectUnavailable = "project_unavailable", Unavailable, "The project is not available at the moment";
    /// The project was suspended by an operator.
    ProjectSuspended = "project_suspended", Unavailable, "The project is suspended";
    /// The query took longer than allowed.
    TooExpensive = "too_expensive", Unavailable, "The query is too expensive";
    /// The disk or the quota is full.
    StorageFull = "storage_full", Storage, "There is no room left";
    /// No byte of the file is in the range.
    RangeNotSatisfiable = "range_not_satisfiable", Range, "The range is outside the file";
}

/// One fault of one value in a request: where it is and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    pub path: String,
    /// A stable word: `required`, `too_long`, `not_a_number` ...
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl FieldError {
    /// A fault of the top-level member `field`.
    #[must_use]
    pub fn at(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        let path = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
        Self {
            path,
            code,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_serde_agree_and_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{}", code.as_str());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
