//! Passwords of the user `default`: which of them a server takes, and which one it shows its master. No answer, refusal or command
//! that leaves this module has one in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use redis::Value;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::connection::{CallError, Connection, Credentials, Refusal};
use crate::request::Answer;

/// The user that everybody is who names none.
const USER: &str = "default";

/// A password, by what it is to the caller.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Password {
    /// The caller's.
    Current,
    /// The caller's previous one.
    Previous,
    /// Any other one, or none at all.
    Other,
}

/// Which passwords a server takes and shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passwords {
    /// Those that it takes.
    pub taken: BTreeSet<Password>,
    /// Whether it shows its master the caller's.
    pub shows: bool,
}

/// Asks a server for them.
pub(crate) async fn ask(
    server: &mut Connection,
    credentials: &Credentials,
) -> Result<Answer, CallError> {
    let user = server.ask(&["ACL", "GETUSER", USER]).await?;
    let digests = digests(&user).ok_or_else(|| server.malformed("what is known of a user"))?;
    let shown = server.ask(&["CONFIG", "GET", "masterauth"]).await?;
    let wanted = digest(&credentials.password);
    let previous = credentials.previous.as_ref().map(digest);
    let known = |digest: &Option<String>| match digest {
        Some(digest) if *digest == wanted => Password::Current,
        Some(digest) if Some(digest) == previous.as_ref() => Password::Previous,
        _ => Password::Other,
    };
    Ok(Answer::Passwords(Passwords {
        taken: digests.iter().map(known).collect(),
        shows: shows(&shown, &credentials.password),
    }))
}

/// Has a server take the caller's passwords, and no others if only these are wanted. Clients that are connected stay so.
pub(crate) async fn take(
    server: &mut Connection,
    credentials: &Credentials,
    only: bool,
) -> Result<Answer, CallError> {
    let mut words = vec!["ACL".to_owned(), "SETUSER".to_owned(), USER.to_owned()];
    if only {
        words.push("resetpass".to_owned());
    }
    let passwords = [Some(&credentials.password), credentials.previous.as_ref()];
    let digests = passwords.into_iter().flatten().map(digest);
    // By their digests: a server says again what it does not take.
    words.extend(digests.map(|digest| format!("#{digest}")));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    server.ask(&words).await?;
    written_down(server).await
}

/// Has a server show its master the caller's password.
pub(crate) async fn show(
    server: &mut Connection,
    credentials: &Credentials,
) -> Result<Answer, CallError> {
    let password = credentials.password.expose_secret();
    match server.ask(&["CONFIG", "SET", "masterauth", password]).await {
        Ok(_) => written_down(server).await,
        // It may say again what it was told.
        Err(CallError::Refused { address, refusal }) => Err(CallError::Refused {
            address,
            refusal: Refusal {
                code: refusal.code,
                text: "it does not take `masterauth`".to_owned(),
            },
        }),
        Err(other) => Err(other),
    }
}

/// Has a server write down what it has been told: its pod may be the last to hear of a new Secret.
async fn written_down(server: &mut Connection) -> Result<Answer, CallError> {
    server.ask(&["CONFIG", "REWRITE"]).await?;
    Ok(Answer::Done)
}

/// The digests of the passwords that a user has, and none if it needs no password.
fn digests(user: &Value) -> Option<Vec<Option<String>>> {
    let Value::Array(parts) = user else {
        return None;
    };
    let part = |wanted: &str| {
        parts.chunks_exact(2).find_map(|pair| match pair {
            [name, Value::Array(values)] if text(name).as_deref() == Some(wanted) => {
                Some(values.iter().filter_map(text).collect::<Vec<_>>())
            }
            _ => None,
        })
    };
    let flags = part("flags")?.into_iter();
    let open = flags.filter(|flag| flag == "nopass").map(|_| None);
    Some(
        part("passwords")?
            .into_iter()
            .map(Some)
            .chain(open)
            .collect(),
    )
}

/// Whether a server shows its master a password, by what it answers to the question for it.
fn shows(setting: &Value, password: &SecretString) -> bool {
    match setting {
        Value::Array(pair) => {
            pair.get(1).and_then(text).as_deref() == Some(password.expose_secret())
        }
        _ => false,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

/// The SHA-256 of a password in hexadecimal, as servers keep it.
fn digest(password: &SecretString) -> String {
    let digest = Sha256::digest(password.expose_secret().as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn user(flag: &str, passwords: &[&str]) -> Value {
        let simple = |text: &str| Value::SimpleString(text.to_owned());
        Value::Array(vec![
            bulk("flags"),
            Value::Array(vec![simple("on"), simple(flag)]),
            bulk("passwords"),
            Value::Array(passwords.iter().map(|text| bulk(text)).collect()),
            bulk("commands"),
            bulk("+@all"),
        ])
    }

    #[test]
    fn passwords_are_known_by_their_digests() {
        let secret = SecretString::from("s3cret");
        let digest = digest(&secret);
        assert_eq!(
            digest,
            "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"
        );
        let of = |flag, passwords: &[&str]| digests(&user(flag, passwords)).unwrap();
        assert_eq!(of("allkeys", &[&digest]), [Some(digest.clone())]);
        assert_eq!(of("nopass", &[]), [None]);
        assert!(digests(&bulk("OK")).is_none());
        let shown = |text| Value::Array(vec![bulk("masterauth"), bulk(text)]);
        assert!(shows(&shown("s3cret"), &secret));
        assert!(!shows(&shown("other"), &secret));
    }
}
