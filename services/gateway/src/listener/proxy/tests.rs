use std::net::SocketAddr;

use proptest::prelude::*;
use proxy_header::{ProxiedAddress, ProxyHeader, Tlv};

use super::{InvalidHeader, MAX_BYTES, Source, parse, read};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    header.extend(body);
    header
}

#[test]
fn both_versions_and_both_families_name_the_client() {
    let v4 = [10, 0, 0, 1, 10, 0, 0, 2, 0x04, 0xd2, 0x01, 0xbb];
    let mut v6 = [0; 36];
    v6[15] = 1;
    for (header, source) in [
        (
            b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\n".to_vec(),
            "10.0.0.1:1234",
        ),
        (
            b"PROXY TCP6 2001:db8::1 ::1 1234 443\r\n".to_vec(),
            "[2001:db8::1]:1234",
        ),
        (v2(0x21, 0x11, &v4), "10.0.0.1:1234"),
        (v2(0x21, 0x21, &v6), "[::1]:0"),
    ] {
        let expected = (Source::Client(address(source)), header.len());
        assert_eq!(parse(&header).unwrap(), Some(expected), "{source}");
        let followed = [header.as_slice(), b"\x16\x03\x01"].concat();
        assert_eq!(parse(&followed).unwrap(), Some(expected), "{source}");
        for length in 0..header.len() {
            assert_eq!(
                parse(&header[..length]).unwrap(),
                None,
                "{source}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_balancer_that_speaks_for_itself_is_the_source() {
    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        v2(0x20, 0x00, &[]),
        v2(0x20, 0x11, &[1; 12]),
    ] {
        assert_eq!(parse(&header).unwrap(), Some((Source::Peer, header.len())));
    }
}

#[test]
fn what_is_not_about_tcp_is_not_taken() {
    for header in [
        v2(0x21, 0x00, &[]),
        v2(0x21, 0x12, &[1; 12]),
        v2(0x21, 0x22, &[1; 36]),
        v2(0x21, 0x31, &[1; 216]),
    ] {
        assert!(
            matches!(parse(&header), Err(InvalidHeader::NotTcp)),
            "{header:?}"
        );
    }
}

#[test]
fn what_is_not_a_header_is_not_waited_for() {
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/1.1\r\n",
        b"POST /",
        b"PROXYTCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        b"PROXY TCP4 10.0.0.256 10.0.0.2 1234 443\r\n",
        b"PROXY TCP4 ::1 10.0.0.2 1234 443\r\n",
        b"PROXY TCP4 example.com 10.0.0.2 1234 443\r\n",
        b"PROXY UDP4 10.0.0.1 10.0.0.2 1234 443\r\n",
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        b"\r\n\r\nX",
    ] {
        assert!(parse(bytes).is_err(), "{bytes:?}");
    }
    let short = [v2(0x21, 0x11, &[1; 11]), vec![0x16]].concat();
    assert!(parse(&short).is_err(), "addresses that end in what follows");
    let long = [b"PROXY UNKNOWN ", [b'x'; 200].as_slice(), b"\r\n"].concat();
    assert!(parse(&long).is_err());
}

#[tokio::test]
async fn a_header_is_read_byte_by_byte_and_what_follows_is_kept() {
    let header = b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\n";
    let mut slow = tokio_test_stream(header, b"\x16hello");
    let (source, ahead) = read(&mut slow).await.unwrap();
    assert_eq!(source, Source::Client(address("10.0.0.1:1234")));
    let mut rest = ahead.to_vec();
    tokio::io::AsyncReadExt::read_to_end(&mut slow, &mut rest)
        .await
        .unwrap();
    assert_eq!(rest, b"\x16hello");
}

#[tokio::test]
async fn an_endless_header_is_given_up() {
    let big = v2(0x21, 0x11, &[1; 60_000]);
    assert!(matches!(
        read(&mut big.as_slice()).await,
        Err(InvalidHeader::TooLong)
    ));
    let cut = v2(0x21, 0x11, &[1; 12]);
    assert!(matches!(
        read(&mut &cut[..20]).await,
        Err(InvalidHeader::Connection(_))
    ));
}

/// `first` one byte at a time, then `then` as a whole.
fn tokio_test_stream(
    first: &'static [u8],
    then: &'static [u8],
) -> impl tokio::io::AsyncRead + Unpin {
    let pieces = first.chunks(1).chain([then]).map(Ok::<_, std::io::Error>);
    tokio_util::io::StreamReader::new(futures::stream::iter(pieces.collect::<Vec<_>>()))
}

const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"PROXY ",
    b"PROXY TCP4 ",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
];

proptest! {
    #[test]
    fn what_a_balancer_writes_is_read_back(
        source: SocketAddr, port: u16, extra in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let destination = SocketAddr::new(source.ip(), port);
        let mut header = ProxyHeader::with_address(ProxiedAddress::stream(source, destination));
        let mut text = Vec::new();
        header.encode_v1(&mut text).unwrap();
        header.append_tlv(Tlv::UniqueId(extra.into()));
        let mut binary = Vec::new();
        header.encode_v2(&mut binary).unwrap();
        for bytes in [text, binary] {
            let (found, length) = parse(&bytes).unwrap().unwrap();
            let Source::Client(found) = found else { panic!("{found:?}") };
            prop_assert_eq!((found.ip(), found.port()), (source.ip(), source.port()));
            prop_assert_eq!(length, bytes.len());
        }
    }

    /// Whatever comes, the answer does not change with what follows it, and never claims bytes that are not there.
    #[test]
    fn no_bytes_break_it(
        beginning in proptest::sample::select(BEGINNINGS),
        rest in proptest::collection::vec(any::<u8>(), 0..MAX_BYTES + 64),
    ) {
        let bytes = [beginning, &rest].concat();
        if let Ok(Some((source, length))) = parse(&bytes) {
            prop_assert!(length <= bytes.len() && length <= MAX_BYTES);
            prop_assert_eq!(parse(&bytes[..length]).unwrap(), Some((source, length)));
        }
    }
}
