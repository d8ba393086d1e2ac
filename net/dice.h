// dice.h: cheap random numbers for spreading load and jitter; never for secrets.
//   SplitMix64 (Steele, Lea, Flood 2014). Code that decides takes the number, not the generator.
#pragma once

#include <cstdint>

namespace gatehouse {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t roll() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

// Uniform in [0, bound), bound > 0 (Lemire's multiplication; the bias is below bound / 2^64).
inline std::uint64_t below(Dice& dice, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(dice.roll()) * bound) >> 64);
}

}  // namespace gatehouse
