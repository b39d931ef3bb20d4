#include "common/data/glyphs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/data/corpus.h"

namespace semlink::data {
namespace {

struct Point {
  float x = 0;
  float y = 0;
};
struct Stroke {
  Point from;
  Point to;
};

// Each digit as one line through these points: x right and y down, -1..1 in both.
const std::vector<Point>& Glyph(int digit) {
  static const auto& glyphs = *new std::vector<std::vector<Point>>{
      {{0, -1}, {-.6, -.6}, {-.6, .6}, {0, 1}, {.6, .6}, {.6, -.6}, {0, -1}},
      {{-.3, -.6}, {.1, -1}, {.1, 1}},
      {{-.6, -.6}, {0, -1}, {.6, -.6}, {.4, 0}, {-.6, 1}, {.7, 1}},
      {{-.5, -.9}, {.4, -.9}, {.5, -.4}, {0, -.1}, {.6, .4}, {.3, .9}, {-.6, .9}},
      {{.4, 1}, {.4, -1}, {-.7, .3}, {.7, .3}},
      {{.6, -1}, {-.5, -1}, {-.5, -.1}, {.3, -.1}, {.6, .4}, {.3, .9}, {-.6, .9}},
      {{.4, -1}, {-.3, -.4}, {-.6, .4}, {-.2, 1}, {.5, .7}, {.4, .1}, {-.5, .3}},
      {{-.7, -.9}, {.6, -.9}, {-.1, 1}},
      {{0, 0}, {-.5, -.5}, {0, -1}, {.5, -.5}, {0, 0}, {-.6, .5}, {0, 1}, {.6, .5}, {0, 0}},
      {{.5, -.3}, {-.4, -.1}, {-.5, -.7}, {.2, -1}, {.5, -.3}, {.4, .4}, {-.1, 1}},
  };
  return glyphs[digit];
}

std::vector<Stroke> PlaceGlyph(int digit, double difficulty, RandomStream* random) {
  const float angle = random->Swing(0.22 * difficulty);
  const float slant = random->Swing(0.25 * difficulty);
  const float width = 6.5f * (1 + random->Swing(0.2 * difficulty));
  const float height = 7.5f * (1 + random->Swing(0.15 * difficulty));
  const float x0 = 13.5f + random->Swing(1.5 * difficulty);
  const float y0 = 13.5f + random->Swing(1.5 * difficulty);
  const float c = std::cos(angle);
  const float s = std::sin(angle);
  std::vector<Point> line;
  for (const Point& p : Glyph(digit)) {
    const float x = width * (p.x - slant * p.y) + random->Swing(1.2 * difficulty);
    const float y = height * p.y + random->Swing(1.2 * difficulty);
    line.push_back({x0 + c * x - s * y, y0 + s * x + c * y});
  }
  std::vector<Stroke> strokes;
  for (std::size_t i = 1; i < line.size(); ++i) strokes.push_back({line[i - 1], line[i]});
  return strokes;
}

// Short strokes that belong to nothing.
void AddClutter(double difficulty, RandomStream* random, std::vector<Stroke>* strokes) {
  const int count = static_cast<int>(std::lround(2.0 * difficulty * random->Uniform()));
  for (int i = 0; i < count; ++i) {
    const Point from{27 * random->Uniform(), 27 * random->Uniform()};
    strokes->push_back({from, {from.x + random->Swing(6), from.y + random->Swing(6)}});
  }
}

float SquaredDistance(const Stroke& stroke, float x, float y) {
  const float dx = stroke.to.x - stroke.from.x;
  const float dy = stroke.to.y - stroke.from.y;
  const float length2 = std::max(1e-6f, dx * dx + dy * dy);
  const float along = ((x - stroke.from.x) * dx + (y - stroke.from.y) * dy) / length2;
  const float t = std::min(1.0f, std::max(0.0f, along));
  const float ex = x - stroke.from.x - t * dx;
  const float ey = y - stroke.from.y - t * dy;
  return ex * ex + ey * ey;
}

}  // namespace

void DrawDigit(int digit, double difficulty, RandomStream* random, uint8_t* image) {
  std::vector<Stroke> strokes = PlaceGlyph(digit, difficulty, random);
  AddClutter(difficulty, random, &strokes);
  const float radius = 1.3f * (1 + random->Swing(std::min(0.9, 0.35 * difficulty)));
  const float grain = static_cast<float>(0.25 * difficulty);
  for (int y = 0; y < kImageSide; ++y) {
    float nearest[kImageSide];
    std::fill_n(nearest, kImageSide, 1e9f);
    for (const Stroke& stroke : strokes) {
      for (int x = 0; x < kImageSide; ++x) {
        const float distance2 =
            SquaredDistance(stroke, static_cast<float>(x), static_cast<float>(y));
        nearest[x] = std::min(nearest[x], distance2);
      }
    }
    for (int x = 0; x < kImageSide; ++x) {
      // One pixel of soft edge.
      const float ink = std::min(1.0f, std::max(0.0f, radius + 0.5f - std::sqrt(nearest[x])));
      const float value = ink + random->Swing(grain);
      image[y * kImageSide + x] =
          static_cast<uint8_t>(std::lround(255 * std::min(1.0f, std::max(0.0f, value))));
    }
  }
}

}  // namespace semlink::data
