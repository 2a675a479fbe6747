//! Who asks a registry, and the files of Docker and Helm in which a login left that.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// Why credentials were refused or not found. No message carries a password, nor any text of a file that may have one.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A user's name cannot be sent.
    #[snafu(display(
        "user name: `{}` cannot be sent to a registry; allowed is text without `:` and control characters, such as \
         `robot$team+ci`", user.escape_debug()
    ))]
    User {
        /// What was given.
        user: String,
    },
    /// A password cannot be sent.
    #[snafu(display(
        "password: {problem}; allowed is one line of text without control characters"
    ))]
    Password {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file cannot be read.
    #[snafu(display("unable to read `{}`: {source}", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what `docker login` or `helm registry login` writes.
    #[snafu(display(
        "`{}`, line {line}, column {column}: not what `docker login` and `helm registry login` write; log in again, or \
         give --username and --password-stdin", path.display()
    ))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// What a file has for the registry is not usable.
    #[snafu(display(
        "`{}`: auths[{key:?}]: {problem}; log in again, or give --username and --password-stdin", path.display()
    ))]
    Entry {
        /// The file.
        path: PathBuf,
        /// The key of the entry.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The name of a credential helper would run something else.
    #[snafu(display(
        "`{}`: the credential helper {name:?} is not run; allowed are lower-case letters, digits and `-`, such as \
         `secretservice`", path.display()
    ))]
    HelperName {
        /// The file that names it.
        path: PathBuf,
        /// What it names.
        name: String,
    },
    /// A credential helper cannot be run.
    #[snafu(display(
        "unable to run `docker-credential-{name}`, which `{}` names: {source}; install it, or give --username and \
         --password-stdin", path.display()
    ))]
    HelperStart {
        /// The file that names it.
        path: PathBuf,
        /// The helper.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A credential helper did not answer.
    #[snafu(display(
        "`docker-credential-{name} get` {problem} for `{server}`; run it by hand to see why, or give --username and \
         --password-stdin"
    ))]
    HelperAnswer {
        /// The helper.
        name: String,
        /// What was asked for.
        server: String,
        /// How it went wrong.
        problem: &'static str,
    },
}

/// Who pushes.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    Anonymous,
    /// A user, checked by the registry or by the token server that it names.
    Basic {
        /// Name of the user, such as `robot$team+ci`.
        user: String,
        /// Password or secret. Never shown.
        password: String,
    },
    /// A token that the registry's token server exchanges for one for a repository, as `docker login` gets from some.
    Identity {
        /// The token. Never shown.
        token: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.who())
    }
}

impl Credentials {
    /// A user with a password, of which an end of line at its end is no part.
    ///
    /// # Errors
    /// When HTTP cannot carry the name or the password (RFC 7617, section 2).
    pub fn basic(user: &str, password: &str) -> Result<Self, Error> {
        let fits = !user.is_empty() && !user.contains(':') && !user.contains(char::is_control);
        ensure!(fits, UserSnafu { user });
        let password = without_line_end(password);
        ensure!(
            !password.is_empty(),
            PasswordSnafu {
                problem: "it is empty"
            }
        );
        ensure!(
            !password.contains(char::is_control),
            PasswordSnafu {
                problem: "it has more than one line or a control character"
            }
        );
        Ok(Self::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Looks for a login at a registry in files such as Docker's `config.json`; the first file that has one decides.
    /// Files that do not exist have none.
    ///
    /// # Errors
    /// When a file or the entry for the registry is not readable, or a credential helper that a file names fails.
    pub fn find(files: &[PathBuf], registry: &str) -> Result<Self, Error> {
        for path in files {
            if let Some(found) = File::read(path)?.and_then(|file| file.find(registry).transpose())
            {
                return found;
            }
        }
        Ok(Self::Anonymous)
    }

    /// The words for it in messages; the name of a user is no secret.
    pub(crate) fn who(&self) -> String {
        match self {
            Self::Anonymous => "an anonymous client".to_owned(),
            Self::Basic { user, .. } => format!("the user `{user}`"),
            Self::Identity { .. } => "the owner of this identity token".to_owned(),
        }
    }
}

/// Where credentials come from. A registry that does not ask who it is lets nobody look for them.
#[derive(Clone, Debug)]
pub enum Login {
    /// They were given.
    Given(Credentials),
    /// An earlier login left them in one of these files, the first that has any; none is no error.
    Stored(Vec<PathBuf>),
}

impl Login {
    /// The credentials for a registry.
    pub(crate) fn credentials(&self, registry: &str) -> Result<Credentials, Error> {
        match self {
            Self::Given(credentials) => Ok(credentials.clone()),
            Self::Stored(files) => Credentials::find(files, registry),
        }
    }
}

/// A secret as files and standard input have it: an end of line at its end is no part of it.
#[must_use]
pub fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// A file of logins that was read.
struct File<'a> {
    path: &'a Path,
    content: Content,
}

/// What this module reads of such a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: String,
}

/// What a file has for one registry.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// What a credential helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    username: String,
    secret: String,
}

/// Docker's central registry has a key of its own in these files, whatever name it is called by.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The key of a registry: what Docker asks credential helpers for.
fn server(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    }
}

/// Whether a key means a registry. Older logins wrote a scheme and an API's path around its name.
fn names(key: &str, registry: &str) -> bool {
    fn bare(key: &str) -> &str {
        let key = key.strip_prefix("https://").unwrap_or(key);
        let key = key.strip_prefix("http://").unwrap_or(key);
        let key = key.strip_suffix('/').unwrap_or(key);
        let key = key.strip_suffix("/v1").unwrap_or(key);
        key.strip_suffix("/v2").unwrap_or(key)
    }
    bare(key) == bare(server(registry))
}

impl<'a> File<'a> {
    fn read(path: &'a Path) -> Result<Option<Self>, Error> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(Error::Read {
                    path: path.into(),
                    source,
                });
            }
        };
        // The parser's own words would quote the value that it did not expect, which may be a password.
        let content = serde_json::from_slice(&text).map_err(|error| Error::Syntax {
            path: path.into(),
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Some(Self { path, content }))
    }

    /// The login at a registry: from the credential helper for it, else from the entry in the file.
    fn find(&self, registry: &str) -> Result<Option<Credentials>, Error> {
        let Content {
            auths,
            cred_helpers,
            creds_store,
        } = &self.content;
        let named = |keys: &&String| names(keys, registry);
        let helper = cred_helpers
            .keys()
            .find(named)
            .and_then(|key| cred_helpers.get(key))
            .or(Some(creds_store))
            .filter(|name| !name.is_empty());
        if let Some(name) = helper
            && let Some(found) = self.ask(name, server(registry))?
        {
            return Ok(Some(found));
        }
        match auths.iter().find(|(key, _)| names(key, registry)) {
            Some((key, entry)) => self.entry(key, entry),
            None => Ok(None),
        }
    }

    fn entry(&self, key: &str, entry: &Entry) -> Result<Option<Credentials>, Error> {
        let problem = |problem| EntrySnafu {
            path: self.path,
            key,
            problem,
        };
        if !entry.identitytoken.is_empty() {
            let token = entry.identitytoken.clone();
            return Ok(Some(Credentials::Identity { token }));
        }
        let (user, password) = if entry.auth.is_empty() {
            (entry.username.clone(), entry.password.clone())
        } else {
            let bytes = STANDARD.decode(entry.auth.trim()).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.context(problem("`auth` is not text in base64"))?;
            let (user, password) = text
                .split_once(':')
                .context(problem("`auth` is not USER:PASSWORD in base64"))?;
            // Some programs fill the text up with zeros.
            (user.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        // An entry without anything in it only says that somebody logged in with a credential helper.
        if user.is_empty() && password.is_empty() {
            return Ok(None);
        }
        Credentials::basic(&user, &password)
            .ok()
            .context(problem(
                "its user name or password cannot be sent to a registry",
            ))
            .map(Some)
    }

    /// Asks a credential helper (docker-credential-helpers, "get").
    fn ask(&self, name: &str, server: &str) -> Result<Option<Credentials>, Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ensure!(
            name.bytes().all(allowed),
            HelperNameSnafu {
                path: self.path,
                name
            }
        );
        let run = || {
            let mut child = Command::new(format!("docker-credential-{name}"))
                .arg("get")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            if let Some(mut input) = child.stdin.take() {
                // A helper that ends without reading says more with its exit code than this error does.
                let _closed = input.write_all(server.as_bytes());
            }
            child.wait_with_output()
        };
        let answer = run().context(HelperStartSnafu {
            path: self.path,
            name,
        })?;
        let problem = |problem| HelperAnswerSnafu {
            name,
            server,
            problem,
        };
        if !answer.status.success() {
            // The words with which every helper says so (docker-credential-helpers, `credentials/error.go`).
            let none = answer
                .stdout
                .starts_with(b"credentials not found in native keychain");
            ensure!(none, problem("failed"));
            return Ok(None);
        }
        let answer: HelperAnswer = serde_json::from_slice(&answer.stdout)
            .ok()
            .context(problem("gave no JSON with `Username` and `Secret`"))?;
        // The user name by which a helper says that the secret is an identity token.
        if answer.username == "<token>" {
            return Ok(Some(Credentials::Identity {
                token: answer.secret,
            }));
        }
        Credentials::basic(&answer.username, &answer.secret)
            .ok()
            .context(problem("gave a user name or password that cannot be sent"))
            .map(Some)
    }
}
