//! With whose credentials servers are asked, and whether brokers take them: known before anything is changed.

use std::path::Path;

use futures::future::join_all;
use midships_client_rocketmq::answer::NO_PERMISSION;
use midships_client_rocketmq::{CallError, Client, Credentials, Reply, Request};
use midships_engine::step::Problem;
use midships_model::redis::authentication::PREVIOUS_PASSWORD_KEY;
use midships_model::rocketmq::Values;
use midships_model::rocketmq::access_control::{
    ACCESS_KEY, ACCESS_KEY_MARKS, ACCOUNTS_HOME, ACCOUNTS_KEY, LONGEST_CREDENTIAL, SECRET_KEY,
    SECRET_KEY_MARKS, SHORTEST_OF_ACCOUNTS, is_credential,
};
use midships_operations_rocketmq::transfer_topic::wish::{Selection, Wish};
use midships_operations_rocketmq::{Broker, Desired};

use crate::desired::Wanted;

/// The field that names the Secret, in every chart that has one.
const FIELD: &str = "accessControl.secretName";
/// The file with the password of a user of Redis and Valkey.
const PASSWORD: &str = "password";
/// The file with the user's name.
const USER: &str = "username";
/// What a broker's configuration has where it signs what it asks others.
const INNER_CREDENTIALS: &str = "innerClientAuthenticationCredentials";

/// What a broker's configuration has where it started with the accounts of the Secret: a home with these.
const HOME: &str = "rocketmqHome";
/// How version 4 refuses who does not sign or may not do what is asked, with the code of any failure
/// (`NettyRemotingAbstract.processRequestCommand`).
const ACL_EXCEPTION: &str = "AclException";

/// The credentials in a directory into which a Secret is mounted; none where no directory is named.
///
/// # Errors
/// When a key is missing or has other characters than are allowed.
pub fn read(directory: Option<&Path>) -> Result<Option<Credentials>, Problem> {
    let Some(directory) = directory else {
        return Ok(None);
    };
    let read = |key: &str, marks: &str| {
        let content = std::fs::read_to_string(directory.join(key)).unwrap_or_default();
        let content = content.trim_end_matches('\n');
        if is_credential(content, marks) {
            return Ok(content.to_owned());
        }
        let why = if content.is_empty() {
            format!(
                "its Secret does not exist, or has nothing under the key `{key}` ({})",
                directory.display()
            )
        } else {
            format!(
                "the key `{key}` of its Secret has other characters than letters, digits and {marks}, or more than {LONGEST_CREDENTIAL}"
            )
        };
        Err(Problem {
            object: FIELD.to_owned(),
            why,
            remedy: format!(
                "make a Secret with the keys `{ACCESS_KEY}` and `{SECRET_KEY}` in the release's namespace, or name another one"
            ),
        })
    };
    let access_key = read(ACCESS_KEY, ACCESS_KEY_MARKS)?;
    let secret_key = read(SECRET_KEY, SECRET_KEY_MARKS)?;
    Ok(Some(Credentials::new(access_key, secret_key.into())))
}

/// Why brokers that read a file of accounts could not start with that of the Secret; they would say so only after they were stopped.
///
/// # Errors
/// When names or keys are too short for these versions, or the administrator cannot be put among the accounts as they are written.
pub fn judge_accounts(directory: Option<&Path>, values: &Values) -> Result<(), Problem> {
    let Some(directory) = directory.filter(|_| {
        values.brokers.enabled
            && values
                .access_control
                .reads_accounts(&values.brokers.image.tag)
    }) else {
        return Ok(());
    };
    let text = |key: &str| std::fs::read_to_string(directory.join(key)).unwrap_or_default();
    let administrator = [ACCESS_KEY, SECRET_KEY].map(|key| (key, text(key).trim_end().len()));
    let problem = |why: String| Problem {
        object: FIELD.to_owned(),
        why,
        remedy: format!(
            "correct the Secret; `{ACCOUNTS_KEY}` has a line `accounts:`, below it lines with each account, and names and keys of at \
             least {SHORTEST_OF_ACCOUNTS} characters"
        ),
    };
    for (key, length) in administrator {
        if length < SHORTEST_OF_ACCOUNTS {
            return Err(problem(format!(
                "the key `{key}` of its Secret has {length} characters, which brokers of version {} do not take",
                values.brokers.image.tag
            )));
        }
    }
    let accounts = text(ACCOUNTS_KEY);
    if accounts.is_empty() {
        return Ok(());
    }
    let name = text(ACCESS_KEY);
    unfit(&accounts, name.trim_end()).map_or(Ok(()), |why| {
        Err(problem(format!(
            "the key `{ACCOUNTS_KEY}` of its Secret {why}"
        )))
    })
}

/// What is wrong with accounts among which the administrator shall be put. Not read as YAML, as the script that does so in the pod
/// cannot either.
fn unfit(accounts: &str, administrator: &str) -> Option<String> {
    let lines: Vec<_> = accounts.lines().map(str::trim_end).collect();
    let mut heads = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("accounts:"));
    let (Some((head, &"accounts:")), None) = (heads.next(), heads.next()) else {
        return Some("does not have one line that is `accounts:` alone".to_owned());
    };
    let mut below = lines[head + 1..].iter().map(|line| line.trim_start());
    let first = below.find(|line| !line.is_empty() && !line.starts_with('#'));
    if !first.is_some_and(|line| line.starts_with("- ")) {
        return Some("has no account in the lines below `accounts:`".to_owned());
    }
    for (number, line) in (1..).zip(&lines) {
        let entry = line.trim_start().trim_start_matches("- ").trim_start();
        let Some((key, value)) = entry.split_once(':') else {
            continue;
        };
        let value = value
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches(['"', '\'']);
        if [ACCESS_KEY, SECRET_KEY].contains(&key) && value.len() < SHORTEST_OF_ACCOUNTS {
            return Some(format!(
                "has a `{key}` in line {number} that is too short for these brokers"
            ));
        }
        if key == ACCESS_KEY && value == administrator {
            return Some(format!("has the administrator itself in line {number}"));
        }
    }
    None
}

/// The credentials for servers of Redis and Valkey in a directory; none where no directory is named.
///
/// # Errors
/// When there is no password.
pub fn of_redis(
    directory: Option<&Path>,
) -> Result<Option<midships_client_redis::Credentials>, Problem> {
    let Some(directory) = directory else {
        return Ok(None);
    };
    let read = |key: &str| {
        let content = std::fs::read_to_string(directory.join(key)).unwrap_or_default();
        let content = content.trim_end_matches('\n');
        (!content.is_empty()).then(|| content.to_owned())
    };
    let password = read(PASSWORD).ok_or_else(|| Problem {
        object: directory.display().to_string(),
        why: format!("there is nothing in the file `{PASSWORD}` of {}", directory.display()),
        remedy: format!("name a directory with the file `{PASSWORD}`, and with `{USER}` where the user is not `default`"),
    })?;
    Ok(Some(midships_client_redis::Credentials {
        user: read(USER),
        password: password.into(),
        previous: read(PREVIOUS_PASSWORD_KEY).map(Into::into),
    }))
}

/// Why the brokers that something is wanted of cannot be asked, if one of them says so. Each keeps its users for itself, so that
/// each is asked; those that do not answer say nothing.
pub async fn refusal(
    client: &Client,
    credentials: Option<&Credentials>,
    wanted: &Wanted,
    is_before: bool,
) -> Option<Problem> {
    let (brokers, must_sign) = match wanted {
        Wanted::Rocketmq { file, revision } => (
            Desired::of(file, *revision).brokers,
            is_before && file.values.access_control.enforced,
        ),
        Wanted::TopicTransfer(file) => (masters_of(client, &Wish::of(file, false)).await, false),
    };
    let asked = brokers.iter().map(|broker| async move {
        let answer = client
            .call(&broker.address, &Request::BrokerConfiguration)
            .await;
        judged(
            broker,
            answer.map(|answer| answer.reply),
            credentials,
            must_sign,
        )
    });
    join_all(asked).await.into_iter().flatten().next()
}

/// The masters of a transfer that a name server lists.
pub async fn masters_of(client: &Client, wish: &Wish) -> Vec<Broker> {
    let asked = wish
        .name_servers
        .iter()
        .map(|server| client.call(server, &Request::ClusterInfo));
    let lists: Vec<_> = join_all(asked)
        .await
        .into_iter()
        .filter_map(|answer| match answer.map(|answer| answer.reply) {
            Ok(Reply::ClusterInfo(list)) => Some(list),
            _ => None,
        })
        .collect();
    let lists: Vec<_> = lists.iter().collect();
    let of = |side: &Selection| side.masters(&lists);
    [of(&wish.source), of(&wish.target)].concat()
}

/// What a broker's answer says of the credentials.
fn judged(
    broker: &Broker,
    answer: Result<Reply, CallError>,
    credentials: Option<&Credentials>,
    must_sign: bool,
) -> Option<Problem> {
    match answer {
        Err(CallError::Declined { code, remark, .. })
            if code == NO_PERMISSION || remark.contains(ACL_EXCEPTION) =>
        {
            Some(match credentials {
            Some(credentials) => Problem {
                object: FIELD.to_owned(),
                why: format!(
                    "broker {} refuses the user `{}` of its Secret: {remark}",
                    broker.address,
                    credentials.access_key()
                ),
                remedy: "name the Secret of an administrator that all brokers know; a user is made on each of them first, for example \
                         with mqadmin createUser, and with version 4 is first among the accounts of the Secret that they have now"
                    .to_owned(),
            },
            None => Problem {
                object: FIELD.to_owned(),
                why: format!(
                    "broker {} asks who one is, and no Secret is named: {remark}",
                    broker.address
                ),
                remedy: "name the Secret of an administrator; to end access control, first set accessControl.enforced to false alone"
                    .to_owned(),
            },
            })
        }
        Ok(Reply::Configuration(configuration))
            if must_sign
                && !configuration.contains_key(INNER_CREDENTIALS)
                && configuration.get(HOME).is_none_or(|home| home != ACCOUNTS_HOME) =>
        {
            Some(Problem {
                object: "accessControl.enforced".to_owned(),
                why: format!(
                    "broker {} has no users yet: until it is restarted with the Secret, whoever signs would be refused elsewhere",
                    broker.address
                ),
                remedy: format!(
                    "upgrade with {FIELD} alone first, let clients sign, and then set accessControl.enforced to true"
                ),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use midships_client_rocketmq::{DecodeError, ProductVersion};

    use super::*;

    fn directory(keys: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (key, content) in keys {
            std::fs::write(directory.path().join(key), content).unwrap();
        }
        directory
    }

    #[test]
    fn a_secret_is_read_with_or_without_the_end_of_a_line() {
        let secret = directory(&[("accessKey", "admin\n"), ("secretKey", "s3cret!")]);
        let read = read(Some(secret.path())).unwrap().unwrap();
        assert_eq!(read.access_key(), "admin");
        assert!(super::read(None).unwrap().is_none());
    }

    #[test]
    fn a_secret_that_cannot_be_used_is_refused_with_its_key() {
        for (keys, told) in [
            (&[][..], "`accessKey`"),
            (&[("accessKey", "admin")][..], "`secretKey`"),
            (
                &[("accessKey", "ad min"), ("secretKey", "x")][..],
                "`accessKey`",
            ),
            (
                &[("accessKey", "admin"), ("secretKey", "a\"b")][..],
                "`secretKey`",
            ),
        ] {
            let secret = directory(keys);
            let problem = read(Some(secret.path())).unwrap_err();
            assert!(problem.why.contains(told), "{problem:?}");
            assert!(!problem.why.contains("a\"b"), "{problem:?}");
            assert_eq!(problem.object, FIELD);
        }
    }

    #[test]
    fn accounts_are_judged_as_the_pod_will_write_them() {
        let fit = "globalWhiteRemoteAddresses:\naccounts:\n\n# shop\n  - accessKey: shop-orders\n    secretKey: \"s3cret!\" # new\n";
        assert_eq!(unfit(fit, "administrator"), None);
        for (accounts, told) in [
            ("{\"accounts\": []}", "one line"),
            ("accounts: []\n", "one line"),
            ("accounts:\naccounts:\n", "one line"),
            ("accounts:\nother: 1\n", "no account"),
            ("accounts:\n- accessKey: shop\n", "line 2"),
            ("accounts:\n- secretKey: 's3cret'\n", "line 2"),
            (
                "accounts:\n- admin: true\n  accessKey: administrator\n",
                "line 3",
            ),
        ] {
            let why = unfit(accounts, "administrator").unwrap();
            assert!(
                why.contains(told) && !why.contains("s3cret"),
                "{accounts}: {why}"
            );
        }
    }

    #[test]
    fn accounts_are_judged_for_brokers_that_read_them() {
        let secret = directory(&[
            (ACCESS_KEY, "administrator"),
            (SECRET_KEY, "a-long-secret"),
            (ACCOUNTS_KEY, "{}"),
        ]);
        let mut values = Values::default();
        "administrator".clone_into(&mut values.access_control.secret_name);
        for (tag, is_fit) in [("5.4.0", true), ("4.9.7", false)] {
            tag.clone_into(&mut values.brokers.image.tag);
            assert_eq!(
                judge_accounts(Some(secret.path()), &values).is_ok(),
                is_fit,
                "{tag}"
            );
            assert!(judge_accounts(None, &values).is_ok());
        }
        let short = directory(&[(ACCESS_KEY, "admin\n"), (SECRET_KEY, "a-long-secret")]);
        let problem = judge_accounts(Some(short.path()), &values).unwrap_err();
        assert!(problem.why.contains("`accessKey`"), "{problem:?}");
    }

    #[test]
    fn a_user_of_redis_may_have_no_name() {
        let alone = directory(&[("password", "s3cret\n")]);
        let named = directory(&[("password", "s3cret"), ("username", "reader\n")]);
        let user =
            |secret: &tempfile::TempDir| of_redis(Some(secret.path())).unwrap().unwrap().user;
        assert_eq!(user(&alone), None);
        assert_eq!(user(&named), Some("reader".to_owned()));
        assert!(of_redis(None).unwrap().is_none());
        let problem = of_redis(Some(directory(&[("username", "reader")]).path())).unwrap_err();
        assert!(problem.why.contains("`password`"), "{problem:?}");
    }

    #[test]
    fn a_broker_that_refuses_or_has_no_users_is_named() {
        let master = Broker {
            pod: "pod".to_owned(),
            address: "orders-broker-0-master:10911".to_owned(),
            cluster: "orders".to_owned(),
            name: "orders-0".to_owned(),
            id: Some(0),
        };
        let declined = || {
            let (version, code, remark) = (
                ProductVersion(0),
                NO_PERMISSION,
                "check signature failed.".to_owned(),
            );
            let source = DecodeError::Declined {
                version,
                code,
                remark: remark.clone(),
            };
            CallError::Declined {
                address: master.address.clone(),
                request: "broker configuration".to_owned(),
                version,
                code,
                remark,
                source,
            }
        };
        let credentials = Credentials::new("admin".to_owned(), "s3cret".to_owned().into());
        let signed = judged(&master, Err(declined()), Some(&credentials), false).unwrap();
        assert!(signed.why.contains("`admin`") && signed.why.contains("check signature failed."));
        assert!(!format!("{signed:?}").contains("s3cret"));
        let unsigned = judged(&master, Err(declined()), None, false).unwrap();
        assert!(unsigned.why.contains("asks who one is"), "{unsigned:?}");

        let configuration = |keys: &[&str]| {
            let pairs = keys.iter().map(|key| ((*key).to_owned(), "x".to_owned()));
            Reply::Configuration(pairs.collect::<BTreeMap<_, _>>())
        };
        let lacking = || configuration(&["brokerPermission"]);
        let early = judged(&master, Ok(lacking()), Some(&credentials), true).unwrap();
        assert_eq!(early.object, "accessControl.enforced");
        assert_eq!(
            judged(&master, Ok(lacking()), Some(&credentials), false),
            None
        );
        let pairs = [(HOME.to_owned(), ACCOUNTS_HOME.to_owned())];
        for prepared in [
            configuration(&["brokerPermission", INNER_CREDENTIALS]),
            Reply::Configuration(BTreeMap::from(pairs)),
        ] {
            assert_eq!(
                judged(&master, Ok(prepared), Some(&credentials), true),
                None
            );
        }
    }
}
