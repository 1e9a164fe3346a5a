use std::process::ExitCode;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::Arguments;

async fn answered(answer: &'static str) -> ExitCode {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
        stream.write_all(answer.as_bytes()).await.unwrap();
        // Open until the other side has had enough.
        let _ = stream.read(&mut head).await;
    });
    let url = url.parse().unwrap();
    let code = Arguments { url, within: 1 }.run().await;
    server.abort();
    code
}

fn is_success(code: ExitCode) -> bool {
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

#[tokio::test]
async fn only_200_is_health() {
    assert!(is_success(
        answered("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await
    ));
    for answer in [
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "SSH-2.0-other\r\n\r\n",
        "",
    ] {
        assert!(!is_success(answered(answer).await), "{answer}");
    }
}

#[tokio::test]
async fn nobody_listening_is_not_health() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/readyz").parse().unwrap();
    assert!(!is_success(Arguments { url, within: 1 }.run().await));
}
