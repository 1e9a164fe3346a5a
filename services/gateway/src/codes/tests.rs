use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::configuration::Configuration;
use domain::timestamp::Timestamp;
use runtime::random::SystemRandomness;

use super::store::OPEN_PER_ACCOUNT;
use super::{Grant, Invalid, Redemption, Reservation};
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::oidc::parameters::Parameters;
use crate::session::LiveSession;
use crate::testing::browser::authorize_url;
use crate::testing::{APP, CALLBACK, SERVER, START, VERIFIER, World, configuration, person};

fn code(world: &World) -> (String, crate::ids::SessionId) {
    let url = authorize_url(&[]);
    let parameters = Parameters::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
    let request = AuthorizeRequest::read(&parameters, &configuration().applications).unwrap();
    let session = LiveSession::by_password(
        &person("jon"),
        "FabrikamAD".parse().unwrap(),
        world.desk.now(),
        &SystemRandomness::new(),
    )
    .unwrap();
    let live = world.desk.live().unwrap();
    let code = world
        .desk
        .codes
        .issue(
            &live.view.seal_keys,
            &request,
            &session,
            world.desk.now(),
            &SystemRandomness::new(),
        )
        .unwrap();
    (code, session.session().id)
}

/// What the right application asks.
fn right(code: &str) -> Asked<'_> {
    Asked {
        code,
        client_id: APP,
        redirect_uri: CALLBACK,
        verifier: VERIFIER,
    }
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    code: &'a str,
    client_id: &'a str,
    redirect_uri: &'a str,
    verifier: &'a str,
}

/// Reserves and settles.
async fn redeem(world: &World, asked: Asked<'_>) -> Result<Grant, Invalid> {
    let reservation = reserve(world, asked).await?;
    settle(world, &reservation).await?;
    Ok(reservation.grant)
}

async fn reserve<'a>(world: &World, asked: Asked<'a>) -> Result<Reservation<'a>, Invalid> {
    let live = world.desk.live().unwrap();
    let client_id = asked.client_id.parse().unwrap();
    let redemption = Redemption {
        code: asked.code,
        client_id: &client_id,
        redirect_uri: asked.redirect_uri,
        verifier: asked.verifier,
    };
    let by = world.desk.judgement(&live);
    let reserved = world.desk.codes.reserve(redemption, &by).await.unwrap();
    // Only what it was asked with lives on.
    reserved.map(
        |Reservation {
             grant,
             number,
             issuer,
             ..
         }| Reservation {
            grant,
            code: asked.code,
            number,
            issuer,
        },
    )
}

async fn settle(world: &World, reservation: &Reservation<'_>) -> Result<(), Invalid> {
    let now = world.desk.now();
    world.desk.codes.settle(reservation, now).await.unwrap()
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_its_second_use_ends_the_session() {
    let world = World::new();
    let (code, session) = code(&world);
    let grant = redeem(&world, right(&code)).await.unwrap();
    assert_eq!(grant.session.id, session);
    assert_eq!(grant.nonce.as_deref(), Some("n-\"1\""));
    assert!(!world.desk.signed_out.contains(session));
    assert!(redeem(&world, right(&code)).await.is_err());
    assert!(world.desk.signed_out.contains(session));
}

#[tokio::test]
async fn a_code_is_for_its_application_address_and_verifier_and_a_wrong_try_uses_it_up() {
    let world = World::new();
    let wrong: [fn(Asked<'_>) -> Asked<'_>; 4] = [
        |right| Asked {
            client_id: SERVER,
            ..right
        },
        |right| Asked {
            redirect_uri: "https://app.example.com/callback",
            ..right
        },
        |right| Asked {
            verifier: "",
            ..right
        },
        |right| Asked {
            verifier: "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ..right
        },
    ];
    for change in wrong {
        let (code, session) = code(&world);
        assert!(redeem(&world, change(right(&code))).await.is_err());
        assert!(redeem(&world, right(&code)).await.is_err());
        assert!(
            !world.desk.signed_out.contains(session),
            "no token was ever made of it"
        );
    }
}

#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let world = World::new();
    let (first, _) = code(&world);
    let (second, _) = code(&world);
    world.clock.advance(Duration::from_secs(59));
    assert!(redeem(&world, right(&first)).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    assert!(redeem(&world, right(&second)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_redemptions_at_two_gateways_one_succeeds() {
    let first = Arc::new(World::new());
    let second = Arc::new(first.beside("gateway-2.example.com:9443", |_| {}));
    for _ in 0..10 {
        let (code, _) = code(&first);
        let tries = (0..50).map(|number| {
            let world = Arc::clone(if number % 2 == 0 { &first } else { &second });
            let code = code.clone();
            tokio::spawn(async move { redeem(&world, right(&code)).await.is_ok() })
        });
        let mut won = 0;
        for each in tries.collect::<Vec<_>>() {
            won += usize::from(each.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn until_it_is_settled_a_code_can_be_reserved_anew_and_the_newest_reservation_counts() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    let (code, session) = code(&first);
    let lost = reserve(&second, right(&code)).await.unwrap();
    let overtaken = reserve(&first, right(&code)).await.unwrap();
    let newest = reserve(&second, right(&code)).await.unwrap();
    assert!(settle(&first, &overtaken).await.is_err());
    assert!(settle(&second, &lost).await.is_err());
    assert_eq!(settle(&second, &newest).await, Ok(()));
    assert_eq!(settle(&second, &newest).await, Ok(()), "asked once more");
    assert!(settle(&first, &overtaken).await.is_err());
    assert!(!first.desk.signed_out.contains(session));
    assert!(reserve(&first, right(&code)).await.is_err());
    assert!(first.desk.signed_out.contains(session));
}

#[tokio::test]
async fn a_reservation_is_settled_soon_or_never() {
    let world = World::new();
    for (after, settles) in [(10, true), (11, false)] {
        let (code, _) = code(&world);
        world.clock.advance(Duration::from_secs(59));
        let reservation = reserve(&world, right(&code)).await.unwrap();
        world.clock.advance(Duration::from_secs(after));
        assert_eq!(settle(&world, &reservation).await.is_ok(), settles);
    }
}

#[tokio::test]
async fn codes_are_forgotten_with_their_use_and_nobody_fills_the_memory_alone() {
    let world = World::new();
    let counts = || world.desk.codes.store.counts();
    let codes: Vec<String> = (0..OPEN_PER_ACCOUNT + 1).map(|_| code(&world).0).collect();
    assert_eq!(counts(), (OPEN_PER_ACCOUNT, 0), "of one account");
    assert!(redeem(&world, right(&codes[0])).await.is_err(), "gave way");
    assert!(redeem(&world, right(&codes[1])).await.is_ok());
    assert_eq!(counts(), (OPEN_PER_ACCOUNT - 1, 1));
    world.clock.advance(Duration::from_secs(69));
    code(&world);
    assert_eq!(counts(), (OPEN_PER_ACCOUNT, 1));
    world.clock.advance(Duration::from_secs(1));
    code(&world);
    assert_eq!(counts(), (2, 1), "open ones for a minute and a little");
    // As long as its tokens live, a second use is known for one.
    world.clock.advance(Duration::from_secs(289));
    code(&world);
    assert_eq!(counts().1, 1);
    world.clock.advance(Duration::from_secs(1));
    code(&world);
    assert_eq!(counts().1, 0);
}

#[tokio::test]
async fn another_gateway_is_dialled_once() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    for _ in 0..3 {
        let (code, _) = code(&first);
        redeem(&second, right(&code)).await.unwrap();
    }
    assert_eq!(second.dialled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn another_gateway_redeems_by_asking_the_one_that_issued() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    let (code, session) = code(&first);
    assert_eq!(
        redeem(&second, right(&code)).await.unwrap().session.id,
        session
    );
    assert_eq!(
        redeem(&second, right(&code)).await,
        Err(Invalid("the gateway that issued it refused"))
    );
    assert!(first.desk.signed_out.contains(session));
}

#[tokio::test]
async fn a_restarted_gateway_knows_no_codes_of_its_life_before() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    let (code, _) = code(&first);
    // The same address, another start.
    let restarted = first.beside("gateway-1.example.com:9443", |_| {});
    assert!(redeem(&restarted, right(&code)).await.is_err());
    assert!(redeem(&second, right(&code)).await.is_err());
}

#[tokio::test]
async fn a_code_dies_with_what_its_session_rests_on() {
    let world = World::new();
    let change: [fn(&mut Configuration); 2] = [
        |all| all.connections.clear(),
        |all| {
            all.connections
                .get_mut(&"FabrikamAD".parse().unwrap())
                .unwrap()
                .methods
                .password = false;
        },
    ];
    for change in change {
        let (code, _) = code(&world);
        let mut configuration = configuration();
        change(&mut configuration);
        let live = world.desk.live().unwrap();
        let mut judgement = world.desk.judgement(&live);
        judgement.configuration = &configuration;
        let redemption = Redemption {
            code: &code,
            client_id: &APP.parse().unwrap(),
            redirect_uri: CALLBACK,
            verifier: VERIFIER,
        };
        assert!(
            world
                .desk
                .codes
                .reserve(redemption, &judgement)
                .await
                .unwrap()
                .is_err()
        );
    }
    let (code, session) = code(&world);
    world
        .desk
        .signed_out
        .sign_out(session, Timestamp(START + 3600), Timestamp(START));
    assert!(redeem(&world, right(&code)).await.is_err());
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let world = World::new();
    for text in ["", "x", &"A".repeat(20_000)] {
        assert!(redeem(&world, right(text)).await.is_err());
    }
}
