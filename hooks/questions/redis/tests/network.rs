//! Servers over the network, played on the loopback interface: connections are used again, and Sentinels have credentials of their own.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use midships_client_redis::{CallError, Client, Credentials};
use midships_questions_redis::{Network, Query, Servers};
use redis::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server that takes one password, its address, and how many have connected.
async fn server(password: &'static str) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer(stream, password));
        }
    });
    (address, connections)
}

/// Answers the number of a connection, after the password.
async fn answer(stream: TcpStream, password: &'static str) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut is_let_in = false;
    while stream
        .read_line(&mut line)
        .await
        .is_ok_and(|length| length > 0)
    {
        let told = match std::mem::take(&mut line).trim_end() {
            word if word == password => {
                is_let_in = true;
                "+OK\r\n"
            }
            word if word.starts_with("of-") => "-WRONGPASS no\r\n",
            "DBSIZE" if is_let_in => ":7\r\n",
            "DBSIZE" => "-NOAUTH who?\r\n",
            _ => "",
        };
        stream.write_all(told.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        user: None,
        password: password.to_owned().into(),
        previous: None,
    }
}

fn network(of_sentinels: Option<&str>) -> Network {
    let client = Client {
        credentials: Some(credentials("of-servers")),
        ..Client::default()
    };
    Network::new(client, of_sentinels.map(credentials))
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, connections) = server("of-servers").await;
    let network = network(None);
    for _ in 0..3 {
        let answers = network
            .ask(&address, &[Query::Keys, Query::Keys])
            .await
            .unwrap();
        assert_eq!(answers, [Ok(Value::Int(7)), Ok(Value::Int(7))]);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn sentinels_may_have_credentials_of_their_own() {
    let (address, _) = server("of-sentinels").await;
    let with = network(Some("of-sentinels"));
    let answers = with.ask(&address, &[Query::Keys]).await.unwrap();
    assert_eq!(answers, [Ok(Value::Int(7))]);
    for without in [network(None), network(Some("of-others"))] {
        let error = without.ask(&address, &[Query::Keys]).await.unwrap_err();
        assert!(matches!(error, CallError::NotLetIn { .. }), "{error}");
    }
}
