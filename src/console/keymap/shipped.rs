//! The keymaps that ship with the program.

/// Name and text of each; the first is what applies when nothing else is asked for.
const SHIPPED: [(&str, &str); 2] =
    [("default", include_str!("../../../assets/keymaps/default.toml")), ("emacs", include_str!("../../../assets/keymaps/emacs.toml"))];

/// The name of the keymap that applies when nothing else is asked for.
pub const DEFAULT: &str = SHIPPED[0].0;

/// The names of the keymaps that ship.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.into_iter().map(|(name, _)| name)
}

/// The text of the keymap of this name.
pub fn text(name: &str) -> Option<&'static str> {
    SHIPPED.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}
