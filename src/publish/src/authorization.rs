//! How a registry lets somebody in: the challenge that it answers with, and the token server that it names
//! (distribution specification, "Token Authentication Specification"; RFC 6750).
//!
//! The client library of the registry would send a password to whatever place the challenge names. Here the place is
//! judged first.

use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use http_auth::ChallengeParser;
use reqwest::redirect::Policy;
use serde::Deserialize;
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use crate::connection::{Connection, NoAnswer, Protocol};
use crate::credentials::{self, Credentials, Login};

/// Why a registry does not let anybody in.
#[derive(Debug, Snafu)]
pub enum Error {
    /// There is no answer.
    #[snafu(transparent)]
    NoAnswer {
        /// Why.
        source: NoAnswer,
    },
    /// The stored login is not usable.
    #[snafu(display("registry {registry} asks who this is: {source}"))]
    Login {
        /// Host and port.
        registry: String,
        /// Why.
        source: credentials::Error,
    },
    /// What answers is no registry.
    #[snafu(display(
        "registry {registry}: answered the question for its version with {status}; a registry answers with 200 or \
         401: check the address"
    ))]
    NoRegistry {
        /// Host and port.
        registry: String,
        /// The answer.
        status: StatusCode,
    },
    /// The registry asks for proof in a way that is not known here.
    #[snafu(display(
        "registry {registry}: asks for a kind of proof that midships does not know; known are Basic and Bearer"
    ))]
    Challenge {
        /// Host and port.
        registry: String,
    },
    /// The registry asks for a password where only an identity token is at hand.
    #[snafu(display(
        "registry {registry}: has no token server for the identity token of the stored login; give --username and \
         --password-stdin"
    ))]
    IdentityOnly {
        /// Host and port.
        registry: String,
    },
    /// The token server is named by a place that nothing is sent to.
    #[snafu(display(
        "registry {registry}: names the token server `{realm}`, to which nothing is sent: {problem}"
    ))]
    Realm {
        /// Host and port.
        registry: String,
        /// The place, without query and user.
        realm: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token server does not know who asks, or does not let them.
    #[snafu(display(
        "{repository}: the token server `{server}` gives {who} no token to push: {status}; check the name and the \
         secret, and whether it has expired"
    ))]
    Denied {
        /// The repository.
        repository: String,
        /// Host and port of the token server.
        server: String,
        /// Who asked.
        who: String,
        /// The answer.
        status: StatusCode,
    },
    /// The token server's answer has no token.
    #[snafu(display(
        "{repository}: the answer of the token server `{server}` is not one: {problem}"
    ))]
    Answer {
        /// The repository.
        repository: String,
        /// Host and port of the token server.
        server: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What a registry takes as proof.
pub(crate) enum Proof {
    /// Nothing.
    None,
    /// A user's name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token for one repository.
    Bearer {
        /// The token.
        token: String,
        /// When another one has to be asked for.
        renew: Instant,
    },
}

/// Asks a registry, and the token server that it names, for what it takes as proof.
pub(crate) struct Authorizer {
    client: reqwest::Client,
    connection: Connection,
    registry: String,
    login: Login,
    credentials: OnceCell<Credentials>,
}

/// The server's choice of proof.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

/// A token server's answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default = "Answer::default_seconds")]
    expires_in: u64,
}

impl Answer {
    /// How long a token is good for that does not say so, in seconds ("Token Authentication Specification").
    fn default_seconds() -> u64 {
        60
    }
}

/// The largest answer of a token server that is read, in bytes. Tokens with many rights have some ten thousand.
const MAXIMUM_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest time that a token is believed to be good for.
const MAXIMUM_TOKEN_SECONDS: u64 = 3600;

impl Authorizer {
    /// Prepares a client; nobody is asked yet.
    pub(crate) fn new(
        connection: &Connection,
        registry: &str,
        login: Login,
    ) -> Result<Self, reqwest::Error> {
        // A redirect would take the password to a place that nobody has judged.
        let client = connection.client()?.redirect(Policy::none()).build()?;
        Ok(Self {
            client,
            connection: connection.clone(),
            registry: registry.to_owned(),
            login,
            credentials: OnceCell::new(),
        })
    }

    /// Who has asked so far, in the words of messages.
    pub(crate) fn who(&self) -> String {
        self.credentials
            .get()
            .unwrap_or(&Credentials::Anonymous)
            .who()
    }

    /// What somebody does whom the registry refused.
    pub(crate) fn advice(&self) -> &'static str {
        match self.credentials.get() {
            None | Some(Credentials::Anonymous) => {
                "log in with --username NAME --password-stdin or `docker login`"
            }
            Some(_) => "check the name and the secret, and that they may push to this path",
        }
    }

    /// What the registry takes as proof for pulling from a repository and pushing to it.
    pub(crate) async fn prove(&self, repository: &str) -> Result<Proof, Error> {
        let registry = &self.registry;
        let scheme = self.connection.protocol().scheme();
        let answer = self
            .client
            .get(format!("{scheme}://{registry}/v2/"))
            .send()
            .await
            .map_err(|source| self.no_answer("registry", registry, source))?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => {}
            status if status.is_success() => return Ok(Proof::None),
            status => return NoRegistrySnafu { registry, status }.fail(),
        }
        let credentials = self
            .credentials
            .get_or_try_init(|| async { self.login.credentials(registry) })
            .await
            .context(LoginSnafu { registry })?;
        match (challenge(answer.headers()), credentials) {
            (None, _) => ChallengeSnafu { registry }.fail(),
            (Some(Challenge::Bearer { realm, service }), credentials) => {
                let realm = self.judge(&realm)?;
                self.token(realm, service, repository, credentials).await
            }
            (Some(Challenge::Basic), Credentials::Basic { user, password }) => Ok(Proof::Basic {
                user: user.clone(),
                password: password.clone(),
            }),
            (Some(Challenge::Basic), Credentials::Anonymous) => Ok(Proof::None),
            (Some(Challenge::Basic), Credentials::Identity { .. }) => {
                IdentityOnlySnafu { registry }.fail()
            }
        }
    }

    fn no_answer(&self, what: &str, server: &str, source: reqwest::Error) -> Error {
        // The address would be said twice, and a token server's has much in it.
        let source = source.without_url();
        NoAnswer::new(
            format!("{what} {server}"),
            self.connection.protocol(),
            source,
        )
        .into()
    }

    /// The token server, if credentials may be sent to it.
    fn judge(&self, realm: &str) -> Result<Url, Error> {
        let registry = &self.registry;
        let refusal = |shown: String, problem| RealmSnafu {
            registry,
            realm: shown,
            problem,
        };
        let mut url = Url::parse(realm)
            .ok()
            .filter(Url::has_host)
            .context(refusal(String::new(), "it is not a web address"))?;
        let bare = url.username().is_empty() && url.password().is_none();
        // Nothing of what is shown may be somebody's secret.
        let mut shown = url.clone();
        shown.set_query(None);
        if !bare {
            let hidden = "it has a user name in it";
            return refusal(url.host_str().unwrap_or_default().to_owned(), hidden).fail();
        }
        let problem = match (url.scheme(), self.connection.protocol()) {
            ("https", _) | ("http", Protocol::PlainHttp) => None,
            ("http", Protocol::Https) => Some(
                "it speaks no TLS, so others could read the password; have the registry name it with https, or give \
                 --plain-http if all of this is a test",
            ),
            _ => Some("its scheme is neither https nor http"),
        };
        if let Some(problem) = problem {
            return refusal(shown.to_string(), problem).fail();
        }
        url.set_fragment(None);
        Ok(url)
    }

    async fn token(
        &self,
        mut realm: Url,
        service: Option<String>,
        repository: &str,
        credentials: &Credentials,
    ) -> Result<Proof, Error> {
        let server = match realm.port() {
            Some(port) => format!("{}:{port}", realm.host_str().unwrap_or_default()),
            None => realm.host_str().unwrap_or_default().to_owned(),
        };
        let mut wanted = vec![("scope", format!("repository:{repository}:pull,push"))];
        wanted.extend(service.map(|service| ("service", service)));
        let request = match credentials {
            Credentials::Anonymous => {
                realm.query_pairs_mut().extend_pairs(wanted);
                self.client.get(realm)
            }
            Credentials::Basic { user, password } => {
                realm.query_pairs_mut().extend_pairs(wanted);
                self.client.get(realm).basic_auth(user, Some(password))
            }
            Credentials::Identity { token } => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(wanted)
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("client_id", "midships")
                    .append_pair("refresh_token", token);
                self.client
                    .post(realm)
                    .header(
                        http::header::CONTENT_TYPE,
                        "application/x-www-form-urlencoded",
                    )
                    .body(form.finish())
            }
        };
        let asked = Instant::now();
        let mut answer = request
            .send()
            .await
            .map_err(|source| self.no_answer("token server", &server, source))?;
        let status = answer.status();
        ensure!(
            status == StatusCode::OK,
            DeniedSnafu {
                repository,
                server,
                who: credentials.who(),
                status
            }
        );
        let mut bytes = Vec::new();
        while let Some(part) = answer
            .chunk()
            .await
            .map_err(|source| self.no_answer("token server", &server, source))?
        {
            bytes.extend_from_slice(&part);
            ensure!(
                bytes.len() <= MAXIMUM_ANSWER_BYTES,
                AnswerSnafu {
                    repository,
                    server: &server,
                    problem: "it is longer than 1 MiB"
                }
            );
        }
        let problem = |problem| AnswerSnafu {
            repository,
            server: &server,
            problem,
        };
        // The parser's own words could quote the token.
        let answer: Answer = serde_json::from_slice(&bytes)
            .ok()
            .context(problem("it is not JSON with a `token`"))?;
        let token = if answer.token.is_empty() {
            answer.access_token
        } else {
            answer.token
        };
        ensure!(!token.is_empty(), problem("its token is empty"));
        ensure!(
            token.bytes().all(|byte| byte.is_ascii_graphic()),
            problem("its token has characters that no header can carry")
        );
        // Half of the time is left for the request that is sent with it.
        let good_for = answer.expires_in.min(MAXIMUM_TOKEN_SECONDS);
        Ok(Proof::Bearer {
            token,
            renew: asked + Duration::from_secs(good_for) / 2,
        })
    }
}

/// The challenge that is answered: Bearer rather than Basic, which would send the password with every request.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = false;
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(text) = header.to_str() else { continue };
        // What follows a part that is not understood is not understood either.
        for found in ChallengeParser::new(text).map_while(Result::ok) {
            let parameter = |name: &str| {
                let mut parameters = found.params.iter();
                let (_, value) = parameters.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
                Some(value.to_unescaped())
            };
            if found.scheme.eq_ignore_ascii_case("Basic") {
                basic = true;
            } else if found.scheme.eq_ignore_ascii_case("Bearer")
                && let Some(realm) = parameter("realm")
            {
                return Some(Challenge::Bearer {
                    realm,
                    service: parameter("service"),
                });
            }
        }
    }
    basic.then_some(Challenge::Basic)
}
