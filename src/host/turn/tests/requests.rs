//! What a client may hand to the host besides its requests.

use super::*;

#[test]
fn a_secret_that_is_known_is_not_changed_after_an_approval() {
    let mut scene = Scene::joined(
        "params:\n  pw: { about: Password, secret: true }\nsteps:\n  - { id: a, title: A, run: 'true' }\n",
    );
    let give = |scene: &mut Scene, value: &str| {
        let message = ToHost::GiveSecret { name: "pw".into(), value: value.to_owned().into() };
        words(&scene.feed(Input::Asked(DANA, dana(), message, Box::default())))
    };
    assert_eq!(give(&mut scene, "one"), ["KEEP pw", "missing 0"]);
    // Whatever was shown and approved meanwhile was so with the first.
    assert_eq!(give(&mut scene, "two"), ["missing 0"]);
}
