//! What the documents say about changes of the settings of telephones, cookies and anonymous users.

use crate::settings::SameSite;
use utoipa::ToSchema;

/// A change of how codes reach telephones; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectPhonePatch {
    /// A server of the project's own that sends the messages it is told; null: none.
    pub webhook: Option<ProjectPhoneWebhookPatch>,
    /// An API in the form of Twilio's; null: none.
    pub twilio: Option<ProjectPhoneTwilioPatch>,
    /// How the numbers begin that messages go to; `+` is all. A sender needs at least one.
    #[schema(max_items = 250, example = json!(["+49", "+43"]))]
    pub countries: Option<Vec<String>>,
    /// Messages to one number in an hour at most.
    #[schema(minimum = 1, maximum = 100)]
    pub messages_per_number_hour: Option<u32>,
    /// Messages asked for by one network in an hour at most.
    #[schema(minimum = 1, maximum = 10000)]
    pub messages_per_network_hour: Option<u32>,
    /// Messages of the project in a day at most (UTC).
    #[schema(minimum = 1, maximum = 10000000)]
    pub messages_per_day: Option<u32>,
}

/// A change of a server that is told each message; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectPhoneWebhookPatch {
    /// A public https address.
    #[schema(max_length = 2048, example = "https://example.com/send-sms")]
    pub url: Option<String>,
    /// `whsec_` and 24 to 64 bytes in Base64. Sealed at rest and in no answer; another address needs it anew.
    #[schema(max_length = 255, format = Password)]
    pub secret: Option<String>,
}

/// A change of an API in the form of Twilio's; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectPhoneTwilioPatch {
    /// A public https address; `https://api.twilio.com` where nothing was said.
    #[schema(max_length = 2048)]
    pub base_url: Option<String>,
    /// The account.
    #[schema(max_length = 255)]
    pub account_sid: Option<String>,
    /// Who messages are from: a number, or a sender's name.
    #[schema(max_length = 255)]
    pub from: Option<String>,
    /// Sealed at rest and in no answer; another address or account needs it anew.
    #[schema(max_length = 255, format = Password)]
    pub auth_token: Option<String>,
}

/// A change of how pages of the project's own origin hold sessions; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectSessionsPatch {
    /// Whether a sign-in that does not say otherwise sets cookies and answers no tokens.
    pub cookie: Option<bool>,
    /// From where browsers send the cookies along.
    pub same_site: Option<SameSite>,
}

/// A change of what becomes of users without an identity; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectAnonymousPatch {
    /// How many of them one network makes in an hour at most.
    #[schema(minimum = 1, maximum = 10000)]
    pub per_network_hour: Option<u32>,
    /// After how many days without a request for tokens they are erased; 0: never.
    #[schema(minimum = 0, maximum = 3650)]
    pub erased_after_days: Option<u32>,
}
