//! Signing in by an account elsewhere (OAuth 2, RFC 6749; OpenID Connect Core; PKCE, RFC 7636).
//!
//! Invariants:
//! - Who somebody is, is the provider, the issuer and the subject. An address joins accounts only where both sides have
//!   verified it; an account that never had is emptied of what was there before.
//! - What a browser or an app brings is good once, in the browser, app, project and provider that it was made for.
//! - Addresses of issuers and keys come from settings and from what those issuers publish, never from a token.
//! - A provider that fails is told to the app as an error, and is none of ours.

mod apple;
pub(crate) mod documents;
mod endpoints;
pub(crate) mod flow;
mod id_token;
mod identities;
mod person;
mod pkce;
pub(crate) mod presets;
mod provider;
mod wire;

pub(crate) use identities::ProviderToken;
pub(crate) use pkce::is_challenge;

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::mail::{Template, Wish, address_key};
use crate::model::social::{Shown, SocialIn};
use crate::newcomers::Newcomer;
use crate::ports::{NewUser, UserRow};
use crate::rows::{identities as kept, mails, social as rows};
use crate::service::Ask;
use gate::Project;
use kernel::Code;
use person::Person;
use provider::{Provider, Tokens};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{StoreError, WriteTx};
use uuid::Uuid;

/// How often a sign-in is tried anew because another one made the same user at the same time.
const TRIES: usize = 3;

/// What a ticket's content is sealed for.
fn ticket_place(hash: &str) -> String {
    format!("_social_tickets/{hash}")
}

/// What an identity's tokens are sealed for.
fn tokens_place(identity: Uuid) -> String {
    format!("_identities/{identity}")
}

/// Somebody whom a provider knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proven {
    /// The provider's id in the settings.
    provider: String,
    person: Person,
    /// The provider's tokens, if they are kept.
    tokens: Option<Tokens>,
}

impl Proven {
    fn new(provider: &Provider, person: Person, tokens: Option<Tokens>) -> Self {
        Self {
            provider: provider.settings.id.clone(),
            person,
            tokens: tokens.filter(|_| provider.settings.keep_tokens),
        }
    }
}

/// Somebody whom a provider knows, and the ticket that is used up with it.
#[derive(Clone)]
struct Claim {
    proven: Proven,
    ticket: Option<Ticket>,
}

/// A ticket, as it is looked for.
#[derive(Clone)]
struct Ticket {
    hash: String,
    challenge: String,
}

impl Accounts {
    /// Signs in somebody whom a provider knows, and makes a user of somebody new.
    pub async fn sign_in_social(&self, ask: &Ask, form: SocialIn) -> Result<Entered, Error> {
        let checked = self
            .inner
            .directory
            .check(&ask.project, &form.profile)
            .await;
        checked?;
        let claim = self.prove(ask, &form.shown).await?;
        for _ in 1..TRIES {
            match self.try_in(ask, &claim, &form.profile).await {
                // Somebody else was faster: the user is there now, and is found.
                Err(error) if is_taken(&error) => {}
                result => return result,
            }
        }
        self.try_in(ask, &claim, &form.profile).await
    }

    async fn try_in(
        &self,
        ask: &Ask,
        claim: &Claim,
        profile: &Map<String, Value>,
    ) -> Result<Entered, Error> {
        let found = match &claim.proven.person.email {
            Some(email) => {
                self.inner
                    .directory
                    .find(&ask.project, "email", email)
                    .await?
            }
            None => None,
        };
        let found = found.map(|user| user.id);
        let newcomer = match found {
            None => self.newcomer(ask, &claim.proven, profile).await?,
            Some(_) => None,
        };
        let (this, of, claim) = (self.clone(), ask.clone(), claim.clone());
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            use_up(tx, &of, &claim).await?;
            this.admit_social(&of, tx, &claim.proven, found, newcomer.as_ref())
                .await
        };
        let entered = self.enter(ask, Proof::one(Method::Social), admit).await?;
        (self.inner.wake)(&ask.project);
        Ok(entered)
    }

    /// The user of a proven person, in the open transaction: the one that it is linked to, the one that has its address
    /// if both sides have verified that, or a new one.
    async fn admit_social(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        proven: &Proven,
        found: Option<Uuid>,
        newcomer: Option<&Newcomer>,
    ) -> Result<Admitted, Error> {
        let (directory, person) = (&self.inner.directory, &proven.person);
        if let Some(row) = kept::find(tx, &proven.provider, &person.issuer, &person.subject).await?
        {
            // Always the user before the identity: two who wait for each other would wait for ever.
            if let Some(user) = directory.lock(&ask.project, tx, row.user_id).await? {
                self.renew_identity(ask, tx, row, proven).await?;
                return Ok(Admitted::as_before(user));
            }
            // What an erased user left belongs to nobody.
            kept::delete(tx, row.id).await?;
        }
        let user = match found {
            None => None,
            Some(id) => directory.lock(&ask.project, tx, id).await?,
        };
        let admitted = match user {
            Some(user) => self.join(ask, tx, person, user).await?,
            None => {
                // Who was somebody else's when it was looked for is looked for again.
                let newcomer = newcomer.ok_or_else(|| gate::Problem::from(Code::IdentityTaken))?;
                self.make_social(ask, tx, newcomer).await?
            }
        };
        self.add_identity(ask, tx, admitted.user.id, proven).await?;
        Ok(admitted)
    }

    /// Lets the owner of an address into the account that has it.
    async fn join(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        person: &Person,
        user: UserRow,
    ) -> Result<Admitted, Error> {
        let own = user.email.as_deref().map(address_key);
        if own.is_none() || own != person.email.as_deref().map(address_key) {
            // It was changed since it was looked for.
            return Err(gate::Problem::from(Code::IdentityTaken).into());
        }
        if !person.is_verified {
            return Err(Error::LinkRequired);
        }
        if user.disabled {
            return Err(Error::InvalidCredentials);
        }
        self.tell_linked(ask, tx, &user).await?;
        // Whoever made an account that nobody verified may be somebody else: what was there before is gone.
        self.let_in(ask, tx, user).await
    }

    /// Somebody new whom the project takes; none where the person has an account.
    async fn newcomer(
        &self,
        ask: &Ask,
        proven: &Proven,
        profile: &Map<String, Value>,
    ) -> Result<Option<Newcomer>, Error> {
        let (db, person) = (&ask.project.db, &proven.person);
        let known = kept::find(db, &proven.provider, &person.issuer, &person.subject).await?;
        if let Some(row) = known {
            let user = self.inner.directory.get(&ask.project, row.user_id).await?;
            if user.is_some() {
                return Ok(None);
            }
        }
        let user = NewUser {
            email: person.email.clone(),
            verified: person.is_verified,
            profile: profile.clone(),
            ..NewUser::new(self.inner.ids.new_id(), ask.now, ask.actor.clone())
        };
        self.admit_new(ask, user, Method::Social).await.map(Some)
    }

    /// Makes a user of somebody new.
    async fn make_social(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        newcomer: &Newcomer,
    ) -> Result<Admitted, Error> {
        let user = self.make_new(ask, tx, newcomer).await?;
        if let Some(email) = user.email.clone().filter(|_| !user.verified) {
            let wish = Wish {
                template: Template::Verify,
                recipient: email,
                subject_id: None,
                language: ask.language,
            };
            mails::insert(tx, self.inner.mail(wish, ask.now)).await?;
        }
        Ok(Admitted::as_before(user))
    }

    /// Tells the owner of an account that it has another way in.
    async fn tell_linked(&self, ask: &Ask, tx: &WriteTx, user: &UserRow) -> Result<(), Error> {
        let Some(email) = &user.email else {
            return Ok(());
        };
        let wish = Wish {
            template: Template::Linked,
            recipient: email.clone(),
            subject_id: None,
            language: ask.language,
        };
        Ok(mails::insert(tx, self.inner.mail(wish, ask.now)).await?)
    }

    /// Keeps that a person is a user.
    async fn add_identity(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
        proven: &Proven,
    ) -> Result<kept::Model, Error> {
        let (id, person) = (self.inner.ids.new_id(), proven.person.clone());
        let row = kept::Model {
            id,
            user_id: user,
            provider: proven.provider.clone(),
            issuer: person.issuer,
            subject: person.subject,
            email: person.email,
            email_verified: person.is_verified,
            name: person.name,
            picture: person.picture,
            tokens: sealed(&ask.project, id, proven.tokens.as_ref())?,
            claimed_until: None,
            created_at: ask.now.time(),
            used_at: ask.now.time(),
        };
        kept::insert(tx, row.clone()).await?;
        Ok(row)
    }

    /// Takes over what the provider told last.
    async fn renew_identity(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        row: kept::Model,
        proven: &Proven,
    ) -> Result<kept::Model, Error> {
        let person = proven.person.clone();
        let settings = ask.project.settings();
        let is_kept = settings
            .social
            .provider(&row.provider)
            .is_some_and(|p| p.keep_tokens);
        let old = row.tokens.clone().filter(|_| is_kept);
        let row = kept::Model {
            email: person.email,
            email_verified: person.is_verified,
            // Apple tells a name once and never again.
            name: person.name.or(row.name),
            picture: person.picture.or(row.picture),
            // A native app shows who somebody is, and brings no tokens.
            tokens: sealed(&ask.project, row.id, proven.tokens.as_ref())?.or(old),
            used_at: ask.now.time(),
            claimed_until: None,
            ..row
        };
        // It may have been unlinked since it was found.
        match kept::update(tx, row.clone()).await? {
            true => Ok(row),
            false => Err(Error::InvalidToken),
        }
    }

    /// Who somebody is, by what was shown. What is used up is used up later, in the transaction of the act.
    async fn prove(&self, ask: &Ask, shown: &Shown) -> Result<Claim, Error> {
        let (id, result) = match shown {
            Shown::Ticket { ticket, verifier } => {
                return self
                    .open_ticket(ask, ticket.expose_secret(), verifier.expose_secret())
                    .await;
            }
            Shown::Code(form) => (&form.provider, self.prove_code(ask, form).await),
            Shown::IdToken {
                provider,
                id_token,
                nonce,
            } => {
                let of = self.provider(&ask.project, provider)?;
                let token = id_token.expose_secret();
                let person = self
                    .tell_person(&of, token, nonce.expose_secret(), ask.now)
                    .await;
                (
                    provider,
                    person.map(|person| Proven::new(&of, person, None)),
                )
            }
        };
        if let Err(Error::ProviderFailed(story)) = &result {
            tracing::warn!(story, project = %ask.project.id, provider = id, "a sign-in at a provider failed");
        }
        Ok(Claim {
            proven: result?,
            ticket: None,
        })
    }

    async fn prove_code(
        &self,
        ask: &Ask,
        form: &crate::model::social::CodeIn,
    ) -> Result<Proven, Error> {
        let of = self.provider(&ask.project, &form.provider)?;
        let own = of.settings.client_id.as_str();
        let client = form.client_id.as_deref().unwrap_or(own);
        let verifier = form.verifier.expose_secret();
        pkce::challenge(verifier).ok_or(Error::InvalidToken)?;
        if !of.has_client(client) {
            return Err(Error::InvalidToken);
        }
        if !ask
            .project
            .settings()
            .social
            .redirect_addresses
            .contains(&form.redirect_uri)
        {
            return Err(Error::NotARedirect);
        }
        let at = self.endpoints(&of, ask.now).await?;
        let code = provider::Code {
            code: form.code.expose_secret(),
            verifier,
            redirect_uri: &form.redirect_uri,
            client,
        };
        let grant = self.exchange(&of, &at, &code, ask.now).await?;
        let nonce = form.nonce.as_ref().map(|nonce| nonce.expose_secret());
        let person = self.read_person(&of, &at, &grant, nonce, ask.now).await?;
        Ok(Proven::new(&of, person, Some(grant.tokens)))
    }

    async fn open_ticket(&self, ask: &Ask, ticket: &str, verifier: &str) -> Result<Claim, Error> {
        let ticket = Ticket {
            hash: gate::token_hash(ticket),
            challenge: pkce::challenge(verifier).ok_or(Error::InvalidToken)?,
        };
        let row = rows::ticket(&ask.project.db, &ticket.hash, &ticket.challenge, ask.now).await?;
        let row = row.ok_or(Error::InvalidToken)?;
        let plain = ask.project.open(&ticket_place(&row.hash), &row.content)?;
        let proven: Proven =
            serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a ticket"))?;
        // A provider that was taken out of the settings meanwhile lets nobody in.
        self.provider(&ask.project, &proven.provider)?;
        Ok(Claim {
            proven,
            ticket: Some(ticket),
        })
    }
}

/// Uses up the ticket of a claim; of many who bring it one passes.
async fn use_up(tx: &WriteTx, ask: &Ask, claim: &Claim) -> Result<(), Error> {
    let Some(ticket) = &claim.ticket else {
        return Ok(());
    };
    let gone = rows::consume_ticket(tx, &ticket.hash, &ticket.challenge, ask.now).await?;
    gone.map(drop).ok_or(Error::InvalidToken)
}

fn sealed(
    project: &Project,
    identity: Uuid,
    tokens: Option<&Tokens>,
) -> Result<Option<String>, Error> {
    let Some(tokens) = tokens else {
        return Ok(None);
    };
    let plain = serde_json::to_vec(tokens).map_err(|_| Error::Sealed("a provider's tokens"))?;
    Ok(Some(project.seal(&tokens_place(identity), &plain)?))
}

/// Whether the same user or identity was made by another request meanwhile.
fn is_taken(error: &Error) -> bool {
    match error {
        Error::Store(StoreError::Unique(_)) => true,
        Error::Problem(problem) => problem.code() == Code::IdentityTaken,
        _ => false,
    }
}
