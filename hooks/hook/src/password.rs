//! `make-password`: a Secret with a password that nobody has chosen, made once.

use midships_client_kubernetes::{Client, Error};
use midships_engine::journal::hexadecimal;
use midships_model::redis::authentication::PASSWORD_KEY;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;

use crate::arguments::MakePassword;
use crate::exit::Exit;
use crate::log;
use crate::operate::runtime;

/// How many random bytes a password has; it is written in hexadecimal.
const BYTES: usize = 32;

/// Makes a Secret with a password, unless it is there.
pub fn make(arguments: &MakePassword) -> Exit {
    let made = random().and_then(|password| {
        let runtime = runtime()?;
        let kept = runtime.block_on(kept(arguments, password));
        kept.map_err(|error| error.to_string())
    });
    match made {
        Ok(text) => {
            log::say(&text);
            Exit::Done
        }
        Err(why) => {
            log::complain(&why);
            Exit::Crash
        }
    }
}

async fn kept(arguments: &MakePassword, password: SecretString) -> Result<String, Error> {
    let MakePassword {
        secret,
        namespace,
        cluster,
    } = arguments;
    let client = Client::connect(Some(namespace)).await?;
    let made = client.create_secret(secret, PASSWORD_KEY, &password, cluster);
    Ok(if made.await? {
        format!("Secret {secret}: made, with a password under the key `{PASSWORD_KEY}`")
    } else {
        format!("Secret {secret}: is there, and stays as it is")
    })
}

/// A password from the system's own source.
fn random() -> Result<SecretString, String> {
    let mut bytes = [0; BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(hexadecimal(&bytes).into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn two_passwords_differ_and_mean_nothing_to_a_shell_or_a_file() {
        let passwords = [random().unwrap(), random().unwrap()];
        let [one, other] = passwords.each_ref().map(ExposeSecret::expose_secret);
        assert_ne!(one, other);
        assert_eq!(one.len(), 2 * BYTES);
        assert!(one.chars().all(|letter| letter.is_ascii_hexdigit()));
    }
}
