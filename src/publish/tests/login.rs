//! Pushes through a front that asks who it is, as Harbor does.

#![cfg(test)]

mod front;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use front::{Asks, Front, ROBOT, Rules, SECRET};
use midships_publish::{
    Artifact, Authorities, Connection, Credentials, Destination, Existing, Lines, Login, Outcome,
    Package, Progress, Protocol, Pushed, Registry, RegistryError, Timestamp,
};

fn robot() -> Credentials {
    Credentials::basic(ROBOT, &format!("{SECRET}\n")).unwrap()
}

fn chart(description: &str) -> Artifact {
    let text =
        format!("apiVersion: v2\nname: example\nversion: 1.2.3\ndescription: {description}\n");
    let files = BTreeMap::from([("Chart.yaml".to_owned(), text.into_bytes())]);
    Artifact::from(&Package::new(&files, Timestamp::DEFAULT).unwrap())
}

/// Pushes over plain HTTP.
async fn push(front: &Front, credentials: Credentials) -> Result<Pushed, RegistryError> {
    let connection = Connection::new(Protocol::PlainHttp, Authorities::default());
    push_over(front, connection, credentials).await
}

async fn push_over(
    front: &Front,
    connection: Connection,
    credentials: Credentials,
) -> Result<Pushed, RegistryError> {
    let destination = Destination::parse(&format!("oci://{}/a/b", front.address)).unwrap();
    let registry = Registry::new(destination, connection, Login::Given(credentials)).unwrap();
    let progress: Arc<dyn Progress> = Arc::new(Lines::new(Vec::new()));
    registry
        .push(&chart("one"), Existing::Keep, &progress)
        .await
}

/// The message of a refusal, which has no secret in it.
fn message(result: Result<Pushed, RegistryError>) -> String {
    let error = result.unwrap_err();
    let (text, debug) = (error.to_string(), format!("{error:?}"));
    for secret in [SECRET, "identity-token"] {
        assert!(
            !text.contains(secret) && !debug.contains(secret),
            "{text}\n{debug}"
        );
    }
    text
}

#[tokio::test(flavor = "current_thread")]
async fn a_robot_pushes_with_a_password() {
    let front = Front::start(Rules {
        asks: Asks::Basic,
        ..Rules::default()
    });
    assert_eq!(
        push(&front, robot()).await.unwrap().outcome,
        Outcome::Created
    );
    assert_eq!(
        push(&front, robot()).await.unwrap().outcome,
        Outcome::Unchanged
    );

    let other = Credentials::basic(ROBOT, "other").unwrap();
    let text = message(push(&front, other).await);
    assert!(
        text.contains("does not let the user `robot$team+ci` push"),
        "{text}"
    );
    assert!(
        text.ends_with("check the name and the secret, and that they may push to this path"),
        "{text}"
    );
    let text = message(push(&front, Credentials::Anonymous).await);
    assert!(
        text.contains("does not let an anonymous client push"),
        "{text}"
    );
    assert!(text.contains("--username NAME --password-stdin"), "{text}");
    let identity = Credentials::Identity {
        token: "identity-token".to_owned(),
    };
    let text = message(push(&front, identity).await);
    assert!(
        text.contains("no token server for the identity token"),
        "{text}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_robot_pushes_with_a_token() {
    let front = Front::start(Rules::default());
    assert_eq!(
        push(&front, robot()).await.unwrap().outcome,
        Outcome::Created
    );
    let manifest = "/v2/a/b/example/manifests/1.2.3";
    let (status, _) = front
        .behind()
        .get(manifest, "application/vnd.oci.image.manifest.v1+json");
    assert!(status.contains("200"), "{status}");
    // The password went to the token server only, and only after the registry had named it.
    let requests = front.requests();
    assert_eq!(
        (
            requests[0].line.as_str(),
            requests[0].authorization.as_str()
        ),
        ("GET /v2/", "")
    );
    for request in &requests {
        let is_token = request.line.starts_with("GET /token?");
        assert_eq!(
            request.authorization.starts_with("Basic "),
            is_token,
            "{}",
            request.line
        );
    }

    let other = Credentials::basic(ROBOT, "other").unwrap();
    let text = message(push(&front, other).await);
    let expected = format!(
        "a/b/example: the token server `{}` gives the user `robot$team+ci` no token to push: 401",
        front.address
    );
    assert!(text.starts_with(&expected), "{text}");
    let text = message(push(&front, Credentials::Anonymous).await);
    assert!(
        text.contains("gives an anonymous client no token"),
        "{text}"
    );
    let identity = Credentials::Identity {
        token: "identity-token".to_owned(),
    };
    assert_eq!(
        push(&front, identity).await.unwrap().outcome,
        Outcome::Unchanged
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_that_expires_meanwhile_is_renewed() {
    // One upload takes four requests with a token, and the whole push eleven.
    let rules = Rules {
        uses: 5,
        expires_in: 0,
        ..Rules::default()
    };
    let front = Front::start(rules.clone());
    assert_eq!(
        push(&front, robot()).await.unwrap().outcome,
        Outcome::Created
    );
    // The same is refused when the token server says that its tokens last.
    let front = Front::start(Rules {
        expires_in: 300,
        ..rules
    });
    let text = message(push(&front, robot()).await);
    assert!(
        text.contains("does not let the user `robot$team+ci` push"),
        "{text}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_that_may_only_read_does_not_push() {
    for asks in [Asks::Basic, Asks::Token { realm: None }] {
        let front = Front::start(Rules {
            asks,
            may_push: false,
            ..Rules::default()
        });
        let text = message(push(&front, robot()).await);
        assert!(
            text.contains("/a/b/example:1.2.3: the registry does not let the user"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_password_goes_to_no_place_where_others_read_it() {
    let eavesdropper = Front::start(Rules::default());
    for (realm, expected) in [
        (
            format!("http://{}/token?a=b", eavesdropper.address),
            "it speaks no TLS",
        ),
        (
            "ftp://127.0.0.1/token".to_owned(),
            "its scheme is neither https nor http",
        ),
        (
            "https://somebody:pw@127.0.0.1/token".to_owned(),
            "it has a user name in it",
        ),
        ("token".to_owned(), "it is not a web address"),
    ] {
        let asks = Asks::Token { realm: Some(realm) };
        let front = Front::start(Rules {
            asks,
            tls: true,
            ..Rules::default()
        });
        let authorities = Authorities::parse(&fs::read(front.authority()).unwrap()).unwrap();
        let connection = Connection::new(Protocol::Https, authorities);
        let text = message(push_over(&front, connection, robot()).await);
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("pw@") && !text.contains("a=b"), "{text}");
        assert_eq!(front.requests().len(), 1);
    }
    assert!(eavesdropper.requests().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_certificate_of_a_private_authority_is_trusted_when_the_authority_is_given() {
    let front = Front::start(Rules {
        tls: true,
        ..Rules::default()
    });
    let connection = Connection::new(Protocol::Https, Authorities::default());
    let text = message(push_over(&front, connection, robot()).await);
    let expected = format!("registry {}: its certificate is not trusted", front.address);
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.ends_with("with --ca-file FILE"), "{text}");
    assert!(front.requests().is_empty());

    let authorities = Authorities::parse(&fs::read(front.authority()).unwrap()).unwrap();
    let connection = Connection::new(Protocol::Https, authorities);
    let pushed = push_over(&front, connection.clone(), robot())
        .await
        .unwrap();
    assert_eq!(pushed.outcome, Outcome::Created);

    let by_name = front.address.replace("127.0.0.1", "localhost");
    let destination = Destination::parse(&format!("oci://{by_name}/a/b")).unwrap();
    let registry = Registry::new(destination, connection, Login::Given(robot())).unwrap();
    let text = registry
        .standing(&chart("one"))
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("its certificate is not accepted"), "{text}");
    assert!(text.contains("by a name that it is for"), "{text}");
}
