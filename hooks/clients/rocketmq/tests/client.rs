//! The client against a server on the loopback interface that behaves well, badly and not at all.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::future::Future;
use std::time::Duration;

use midships_client_rocketmq::answer::answered;
use midships_client_rocketmq::request::requested;
use midships_client_rocketmq::{
    Answer, CallError, Client, ClusterInfo, Frame, ProductVersion, Reply, Request, Timeouts,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SHORT: Timeouts = Timeouts {
    connect: Duration::from_millis(300),
    call: Duration::from_millis(300),
};
const LONG: Timeouts = Timeouts {
    connect: Duration::from_secs(30),
    call: Duration::from_secs(30),
};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

async fn request(stream: &mut TcpStream) -> Frame {
    let length = stream.read_u32().await.unwrap();
    let mut bytes = length.to_be_bytes().to_vec();
    stream
        .take(u64::from(length))
        .read_to_end(&mut bytes)
        .await
        .unwrap();
    Frame::from_bytes(&bytes).unwrap()
}

/// Asks a server for its brokers, while the server does with the connection as it likes.
async fn ask<Serve, Served>(timeouts: Timeouts, serve: Serve) -> Result<Answer, CallError>
where
    Serve: FnOnce(TcpStream) -> Served,
    Served: Future<Output = TcpStream>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client::new(timeouts);
    let call = client.call(&address, &Request::ClusterInfo);
    let server = async { serve(listener.accept().await.unwrap().0).await };
    let (answer, stream) = tokio::join!(call, server);
    drop(stream);
    if let Err(error) = &answer {
        assert!(error.to_string().contains(&address), "{error}");
    }
    answer
}

fn good() -> Answer {
    Answer {
        version: ProductVersion(493),
        reply: Reply::ClusterInfo(ClusterInfo::default()),
    }
}

#[test]
fn an_answer_in_small_pieces_after_frames_for_others_is_found() {
    run(async {
        let answer = ask(LONG, |mut stream| async {
            let asked = request(&mut stream).await;
            assert_eq!(requested(&asked).unwrap(), Request::ClusterInfo);
            let pushed = Frame::request(40, asked.opaque).to_bytes().unwrap();
            let mut other = answered(&asked, &good());
            other.opaque = asked.opaque.wrapping_add(1);
            let own = answered(&asked, &good()).to_bytes_binary().unwrap();
            for byte in [pushed, other.to_bytes().unwrap(), own].concat() {
                stream.write_all(&[byte]).await.unwrap();
                stream.flush().await.unwrap();
            }
            stream
        });
        assert_eq!(answer.await.unwrap(), good());
    });
}

/// Answers calls on as many connections as come, `each` on one before it is closed; returns how many came.
async fn serve(listener: TcpListener, connections: usize, each: usize) -> usize {
    for _ in 0..connections {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..each {
            let asked = request(&mut stream).await;
            let bytes = answered(&asked, &good()).to_bytes().unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    }
    connections
}

#[test]
fn a_connection_is_used_again_where_that_is_wanted() {
    run(async {
        for (client, connections, each) in [
            (Client::new(LONG), 3, 1),
            (Client::reusing_connections(LONG), 1, 3),
            // Closed by the server after each answer: the next call sees that and connects anew.
            (Client::reusing_connections(LONG), 3, 1),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let server = tokio::spawn(serve(listener, connections, each));
            for _ in 0..3 {
                let answer = client.call(&address, &Request::ClusterInfo).await;
                assert_eq!(answer.unwrap(), good());
                // The server's end of the connection arrives meanwhile.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(server.await.unwrap(), connections);
        }
    });
}

#[test]
fn a_refusal_carries_code_and_remark() {
    run(async {
        let error = ask(LONG, |mut stream| async {
            let mut frame = Frame::answer(&request(&mut stream).await, 313);
            frame.code = 1;
            frame.remark = Some("first line\nsecond line".to_owned());
            stream.write_all(&frame.to_bytes().unwrap()).await.unwrap();
            stream
        });
        let error = error.await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("first line") && !text.contains("second"),
            "{text}"
        );
        assert!(
            text.contains("4.5.0") && text.contains("list of brokers"),
            "{text}"
        );
        assert!(error.may_have_taken_effect());
        let CallError::Declined {
            version,
            code,
            remark,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((version, code), (ProductVersion(313), 1));
        assert_eq!(remark, "first line\nsecond line");
    });
}

#[test]
fn a_stopping_server_is_told_apart() {
    run(async {
        let error = ask(LONG, |mut stream| async {
            let mut frame = Frame::answer(&request(&mut stream).await, 493);
            frame.code = 1500;
            stream.write_all(&frame.to_bytes().unwrap()).await.unwrap();
            stream
        });
        let error = error.await.unwrap_err();
        assert!(matches!(error, CallError::Retryable { .. }), "{error}");
        assert!(!error.may_have_taken_effect());
    });
}

#[test]
fn silence_and_a_closed_connection_are_no_answer() {
    run(async {
        // The system accepts the connection and the request; nobody reads them.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let error = Client::new(SHORT)
            .call(&address, &Request::TopicList)
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::NoAnswer { .. }), "{error}");
        assert!(error.may_have_taken_effect());

        for sent in [0, 2, 4, 30] {
            let error = ask(LONG, |mut stream| async move {
                let asked = request(&mut stream).await;
                let bytes = answered(&asked, &good()).to_bytes().unwrap();
                stream.write_all(&bytes[..sent]).await.unwrap();
                stream.shutdown().await.unwrap();
                stream
            });
            let error = error.await.unwrap_err();
            assert!(
                matches!(error, CallError::NoAnswer { .. }),
                "{sent}: {error}"
            );
        }
    });
}

#[test]
fn an_answer_that_is_no_frame_or_the_wrong_one_is_malformed() {
    run(async {
        let mut wrong_body = Frame::answer(&Frame::request(106, 1), 493);
        wrong_body.body = b"{\"topicList\":[]}".to_vec();
        for bytes in [
            vec![0xff; 4],
            vec![0x7f, 0xff, 0xff, 0xff],
            vec![0, 0, 0, 4, 7, 0, 0, 0],
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            wrong_body.to_bytes().unwrap(),
        ] {
            let error = ask(LONG, |mut stream| async move {
                let asked = request(&mut stream).await;
                assert_eq!(asked.opaque, 1);
                stream.write_all(&bytes).await.unwrap();
                stream
            });
            let error = error.await.unwrap_err();
            assert!(matches!(error, CallError::Malformed { .. }), "{error}");
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = Client::new(LONG)
            .call(&address, &Request::TopicList)
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
        assert!(!error.may_have_taken_effect());
        for address in [
            "",
            "host",
            ":9876",
            "host:",
            "host:0",
            "host:65536",
            "host:port",
            "host:1,other:2",
        ] {
            let error = Client::new(LONG)
                .call(address, &Request::TopicList)
                .await
                .unwrap_err();
            assert!(
                matches!(error, CallError::BadAddress { .. }),
                "{address}: {error}"
            );
        }
    });
}

#[test]
fn a_request_above_the_limit_is_not_sent() {
    run(async {
        let properties = [("key".to_owned(), "v".repeat(17 * 1024 * 1024))].into();
        let request = Request::UpdateBrokerConfiguration { properties };
        let error = Client::new(LONG)
            .call("127.0.0.1:1", &request)
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Unsendable { .. }), "{error}");
    });
}
