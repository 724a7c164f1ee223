//! The backends that may fill each of the five seams.

/// Declares the choices of a seam, each with its established name.
macro_rules! choices {
    ($(#[$of_seam:meta])* $seam:ident { $($(#[$of_choice:meta])* $choice:ident = $name:literal,)+ }) => {
        $(#[$of_seam])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $seam {
            $($(#[$of_choice])* $choice,)+
        }

        impl $seam {
            /// The name in command lines, plans and results.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$choice => $name,)+
                }
            }
        }
    };
}

choices! {
    /// The base64 seam: what turns text into bytes.
    Base64Choice {
        /// The crate `base64`.
        Scalar = "scalar",
        /// The crate `base64-simd`, which picks its instruction set at run time.
        Simd = "simd-b64",
    }
}

choices! {
    /// The decode seam: what turns bytes into the view of a token.
    DecodeChoice {
        /// Owned, decoded by `serde_cbor`: the reference.
        SerdeCbor = "serde_cbor",
        /// Owned, decoded by `ciborium`.
        Ciborium = "ciborium",
        /// In place and without allocating, decoded by `minicbor`.
        ZeroCopy = "minicbor-zerocopy",
        /// Owned, decoded as deployed verifiers do, and right about good tokens only.
        Classic = "classic",
    }
}

choices! {
    /// The MAC seam: what computes tags.
    MacChoice {
        /// One step after another, by `blake3`.
        Serial = "serial",
        /// Many tokens at once, with the SIMD lanes that the processor has.
        Lanes = "lanes",
        /// Many tokens at once, with AVX2 lanes on any processor that has them.
        LanesAvx2 = "lanes-avx2",
        /// One step after another with a new hasher for each, as deployed verifiers do.
        Hasher = "hasher",
    }
}

choices! {
    /// The execute seam: which threads work on a batch.
    ExecuteChoice {
        /// The caller's thread alone.
        Sequential = "sequential",
        /// The caller's thread and others.
        Parallel = "parallel",
    }
}

choices! {
    /// The scratch seam: where the memory that a verification works in comes from.
    ScratchChoice {
        /// Memory that is made for each call.
        PerCall = "per-call",
        /// Memory that each thread keeps.
        ThreadLocal = "tls-scratch",
    }
}

/// A backend for each of the five seams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names of the seams")]
pub struct Seams {
    pub base64: Base64Choice,
    pub decode: DecodeChoice,
    pub mac: MacChoice,
    pub execute: ExecuteChoice,
    pub scratch: ScratchChoice,
}

impl Seams {
    /// The plain choice for every seam: the reference.
    pub const PLAIN: Self = Self {
        base64: Base64Choice::Scalar,
        decode: DecodeChoice::SerdeCbor,
        mac: MacChoice::Serial,
        execute: ExecuteChoice::Sequential,
        scratch: ScratchChoice::PerCall,
    };

    /// The best choice for every seam: what the feature `full` of `ron-auth` selects.
    pub const PROD: Self = Self {
        base64: Base64Choice::Simd,
        decode: DecodeChoice::ZeroCopy,
        mac: MacChoice::Lanes,
        execute: ExecuteChoice::Parallel,
        scratch: ScratchChoice::ThreadLocal,
    };

    /// The names of the backends, in the order of the work: Base64, decode, MAC, execute, scratch.
    #[must_use]
    pub const fn backends(&self) -> [&'static str; 5] {
        [self.base64.name(), self.decode.name(), self.mac.name(), self.execute.name(), self.scratch.name()]
    }

    /// The names of the backends that differ from `plain`'s.
    #[must_use]
    pub fn beyond_plain(&self) -> Vec<&'static str> {
        let own = self.backends().into_iter().zip(Self::PLAIN.backends()).filter(|(own, plain)| own != plain);
        own.map(|(own, _)| own).collect()
    }

    /// The name that people use: `plain`, `prod`, or the backends that differ from `plain`'s, joined by `+`.
    #[must_use]
    pub fn name(&self) -> String {
        match *self {
            Self::PLAIN => "plain".to_owned(),
            Self::PROD => "prod".to_owned(),
            _ => self.beyond_plain().join("+"),
        }
    }

    /// The features of `ron-auth` that give this composition, without the default ones. All together they are `full`.
    #[must_use]
    pub fn features(&self) -> Vec<&'static str> {
        if *self == Self::PROD {
            return vec!["full"];
        }
        let decoder = match self.decode {
            DecodeChoice::SerdeCbor => "plain",
            DecodeChoice::Ciborium => "fast-cbor",
            DecodeChoice::ZeroCopy | DecodeChoice::Classic => self.decode.name(),
        };
        let others = self.beyond_plain().into_iter().filter(|own| *own != self.decode.name());
        std::iter::once(decoder).chain(others).collect()
    }
}
