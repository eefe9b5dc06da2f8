//! Looking after the whole: the doctor, the rounds of a day, a week and a month, and the bundle for whoever helps.
//!
//! It asks the rooms below how they are and writes down what they say. It repairs only what can be repaired without losing anything.
