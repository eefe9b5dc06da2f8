//! How the console looks: views name a [`Role`], the theme says what that is on this terminal.
//!
//! A theme is a file of TOML (see the head of `file.rs`); five ship, and a user's own stand in `themes/NAME.toml` of the
//! configuration directory. Colours are brought down to what the terminal has once, when the theme is loaded: nothing that draws need know.
//! This room may not read settings or write to the terminal; it reads theme files and is told the environment.

mod chain;
mod color;
mod detect;
mod file;
mod glyphs;
mod role;

#[cfg(test)]
mod tests;

pub use chain::Found;
pub use color::{Depth, contrast, parse as parse_color};
pub use detect::Environment;
pub use file::Problem;
pub use glyphs::Glyphs;
pub use role::Role;

use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;
use std::path::Path;

/// How something looks where a terminal has every colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colour of the letters; nothing leaves what is there.
    pub fg: Option<Color>,
    /// Colour of the ground; nothing leaves what is there.
    pub bg: Option<Color>,
    /// Bold, dim, italic, underlined, reversed, struck out.
    pub modifiers: Modifier,
}

/// A look for every role, for one terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    title: String,
    background: Option<Color>,
    depth: Depth,
    looks: BTreeMap<Role, Look>,
    /// By the number of the role: what is drawn with.
    styles: Vec<Style>,
}

impl Theme {
    /// The theme that ships under this name, with every colour.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        let files = chain::shipped_chain(name);
        (!files.is_empty()).then(|| Self::of(name, chain::resolve(&files).0, Depth::True))
    }

    /// The names of the themes that ship, the usual one first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chain::SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The themes that can be chosen: those that ship, and those in `themes` of the configuration directory.
    #[must_use]
    pub fn list(directory: &Path) -> (Vec<Found>, Vec<Problem>) {
        chain::list(directory)
    }

    /// The theme of this name, the user's `themes/NAME.toml` over the one that ships, for a terminal of so many colours.
    ///
    /// There is always a theme: what is wrong is told and left out, and where the file cannot be used at all it is the theme that ships
    /// under the name, or else `dark`.
    #[must_use]
    pub fn load(directory: &Path, name: &str, depth: Depth) -> (Self, Vec<Problem>) {
        Self::build(name, depth, chain::user_chain(directory, name, None))
    }

    /// The theme in this file, wherever it is; what it inherits from is looked for in `directory` as ever.
    #[must_use]
    pub fn load_file(directory: &Path, path: &Path, depth: Depth) -> (Self, Vec<Problem>) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Self::build(&name, depth, chain::user_chain(directory, &name, Some(path)))
    }

    fn build(name: &str, depth: Depth, (files, mut problems): (Vec<file::File>, Vec<Problem>)) -> (Self, Vec<Problem>) {
        let (resolved, unresolved) = chain::resolve(&files);
        problems.extend(unresolved);
        problems.sort();
        problems.dedup();
        (Self::of(name, resolved, depth), problems)
    }

    fn of(name: &str, resolved: chain::Resolved, depth: Depth) -> Self {
        let title = resolved.title.unwrap_or_else(|| name.to_owned());
        let theme =
            Self { name: name.to_owned(), title, background: resolved.background, depth, looks: resolved.looks, styles: Vec::new() };
        theme.at(depth)
    }

    /// The same theme for a terminal of so many colours.
    #[must_use]
    pub fn at(mut self, depth: Depth) -> Self {
        let plain = if depth == Depth::Mono { chain::resolve(&chain::shipped_chain("mono")).0.looks } else { BTreeMap::new() };
        self.depth = depth;
        self.styles = Role::ALL.iter().map(|role| style(self.look(*role), depth, plain.get(role).copied())).collect();
        self
    }

    /// How this role is drawn, in colours that the terminal has.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// What the theme says about this role, before anything was brought down to the terminal.
    #[must_use]
    pub fn look(&self, role: Role) -> Look {
        self.looks.get(&role).copied().unwrap_or_default()
    }

    /// Its name, as in the setting `console.theme`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What lists show, safe to print.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How many colours it was made for.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Contrast of a role, 1 to 21: its letters on its own ground, or on that which the theme was made for. Nothing when a colour is for
    /// the terminal to say.
    #[must_use]
    pub fn contrast(&self, role: Role) -> Option<f64> {
        let look = self.look(role);
        let (fg, bg) = (look.fg?, look.bg.filter(|color| *color != Color::Reset).or(self.background)?);
        let is_given = |color| matches!(color, Color::Rgb(..)) || matches!(color, Color::Indexed(16..));
        contrast(fg, bg).filter(|_| is_given(fg) && is_given(bg))
    }
}

/// A look on a terminal of so many colours. `plain` is what the theme without colours makes of the role.
fn style(look: Look, depth: Depth, plain: Option<Look>) -> Style {
    let has_color = [look.fg, look.bg].into_iter().flatten().any(|color| color != Color::Reset);
    if depth == Depth::Mono {
        // What was said without colours is kept; what colours said is said otherwise.
        let look = if has_color { plain.unwrap_or(look) } else { look };
        return Style::new().add_modifier(look.modifiers);
    }
    let few = |color: Option<Color>| color.and_then(|color| color::degrade(color, depth));
    let (mut fg, bg) = (few(look.fg), few(look.bg));
    // Two colours that can be told apart may become one, or nearly so: then the letters become black or white.
    let differs = |fg: Option<Color>, bg: Option<Color>| contrast(fg?, bg?).map(|found| found >= 3.0);
    if let (Some(true), Some(false), Some(ground)) = (differs(look.fg, look.bg), differs(fg, bg), bg) {
        let of = |color| contrast(color, ground).unwrap_or(1.0);
        fg = Some(if of(Color::Black) > of(Color::White) { Color::Black } else { Color::White });
    }
    Style { fg, bg, add_modifier: look.modifiers, ..Style::new() }
}
