(function () {
  "use strict";
  var source = document.getElementById("explorer-data");
  if (!source) return;
  var data = JSON.parse(source.textContent);
  var find = function (name) { return document.getElementById("explorer-" + name); };
  var age = find("age"), now = find("now"), task = find("task"), layer = find("layer"), head = find("head"), cards = find("cards");
  var STOPS = [[0, 34, 78], [66, 78, 108], [124, 123, 120], [187, 174, 105], [254, 232, 56]];

  function text(value) {
    return String(value).replace(/[&<>"']/g, function (c) { return "&#" + c.charCodeAt(0) + ";"; });
  }
  function bytes(coded) {
    return Array.from(atob(coded), function (c) { return c.charCodeAt(0) / 255; });
  }
  function colour(share) {
    var at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1), i = Math.min(Math.floor(at), STOPS.length - 2);
    return "rgb(" + STOPS[i].map(function (v, k) { return Math.round(v + (at - i) * (STOPS[i + 1][k] - v)); }).join(",") + ")";
  }
  function svg(width, height, label, body) {
    return '<svg viewBox="0 0 ' + width + " " + height + '" role="img" aria-label="' + text(label) + '">' + body + "</svg>";
  }
  function rect(x, y, w, h, fill, title) {
    return '<rect x="' + x.toFixed(2) + '" y="' + y.toFixed(2) + '" width="' + w.toFixed(2) + '" height="' + h.toFixed(2) +
      '" fill="' + fill + '"><title>' + text(title) + "</title></rect>";
  }
  function label(x, y, size, words, anchor, turn) {
    return '<text x="' + x.toFixed(1) + '" y="' + y.toFixed(1) + '" font-size="' + size + '" text-anchor="' + (anchor || "start") + '"' +
      (turn ? ' transform="rotate(-90 ' + x.toFixed(1) + " " + y.toFixed(1) + ')"' : "") + ">" + text(words) + "</text>";
  }
  function percent(share) { return (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + "%"; }

  /* A part of a portrait for the chosen task, or of the anatomy where the task has no mask of its own. */
  function chosen(part) { return part[task.value] || part[""]; }

  /* Shares of the living weights of each matrix in each bin. */
  function shares(portrait) {
    var kinds = chosen(portrait.weights) || {}, found = {};
    Object.keys(kinds).forEach(function (name) {
      found[name] = kinds[name].map(function (counts) {
        var total = counts.reduce(function (a, b) { return a + b; }, 0) || 1;
        return counts.map(function (count) { return count / total; });
      });
    });
    return found;
  }
  function histograms(portrait, place, top) {
    var kinds = shares(portrait), names = Object.keys(kinds), edges = data.edges, body = "";
    names.forEach(function (name, i) {
      var shares = kinds[name][place] || [], inner = shares.slice(1, -1);
      var x = (i % 2) * 130 + 4, y = Math.floor(i / 2) * 62 + 14, w = 122 / inner.length;
      var points = inner.map(function (c, k) { return (x + k * w).toFixed(1) + "," + (y + 38 - 36 * c / top).toFixed(1) + " " + (x + (k + 1) * w).toFixed(1) + "," + (y + 38 - 36 * c / top).toFixed(1); });
      var beyond = shares[0] + shares[shares.length - 1];
      body += label(x, y - 4, 9, name + (beyond > 0.0005 ? " (" + percent(beyond) + " beyond)" : ""));
      body += '<rect class="frame" x="' + x + '" y="' + y + '" width="122" height="38"/>';
      body += '<polygon class="line" points="' + x + "," + (y + 38) + " " + points.join(" ") + " " + (x + 122) + "," + (y + 38) + '"/>';
    });
    var rows = Math.ceil(names.length / 2);
    body += label(4, rows * 62 + 2, 8, edges[0].toFixed(2)) + label(65, rows * 62 + 2, 8, "0", "middle") + label(126, rows * 62 + 2, 8, edges[edges.length - 1].toFixed(2), "end");
    return svg(260, rows * 62 + 6, "Distribution of living weights by kind of matrix in layer " + place, body);
  }
  function heads(portrait) {
    var layers = (chosen(portrait.heads) || []).map(bytes), body = "", count = layers.length ? layers[0].length : 1;
    var w = 236 / count, h = Math.min(18, 120 / Math.max(1, layers.length));
    layers.forEach(function (shares, i) {
      body += label(18, i * h + h / 2 + 3, Math.min(9, h), i, "end");
      shares.forEach(function (share, k) {
        body += rect(22 + k * w, i * h, w - 1, h - 1, colour(1 - share), "layer " + i + ", head " + k + ": " + percent(share) + " dead");
        if (w > 30 && h > 10) body += '<text x="' + (22 + k * w + w / 2).toFixed(1) + '" y="' + (i * h + h / 2 + 3).toFixed(1) + '" font-size="8" text-anchor="middle" style="fill:' + (share > 0.5 ? "#fff" : "#000") + '">' + percent(share) + "</text>";
      });
    });
    return svg(260, layers.length * h + 2, "Dead share of each head, layers from above", body);
  }
  function neurons(portrait, place) {
    var layers = chosen(portrait.neurons);
    if (!layers || !layers[place]) return "<p>Left out: the page would be too large.</p>";
    var shares = bytes(layers[place]), w = 256 / shares.length;
    var body = shares.map(function (share, k) { return rect(2 + k * w, 0, w + 0.2, 16, colour(1 - share), "neuron " + k + ": " + percent(share) + " dead"); });
    var dead = shares.filter(function (share) { return share >= 1; }).length;
    return svg(260, 18, "Dead share of each neuron of layer " + place, body.join("")) + "<p>" + dead + " of " + shares.length + " wholly dead</p>";
  }
  /* Attention of the chosen layer and head, or null where the subject has none yet. */
  function map_of(portrait, place) {
    var layers = portrait.attention[task.value];
    if (!layers || !layers[place]) return null;
    var maps = layers[place].map(bytes);
    if (head.value !== "mean" && maps[+head.value]) return maps[+head.value];
    return maps[0].map(function (_, k) { return maps.reduce(function (sum, one) { return sum + one[k]; }, 0) / maps.length; });
  }
  function attention(portrait, place, top) {
    var map = map_of(portrait, place), tokens = portrait.tokens[task.value];
    if (!map || !tokens) return "<p>" + (task.value ? "Not learned yet." : "Choose a task.") + "</p>";
    var n = tokens.length, cell = 196 / n, body = "";
    map.forEach(function (share, k) {
      var row = Math.floor(k / n), column = k % n;
      body += rect(60 + column * cell, row * cell, cell, cell, colour(share / top), tokens[row] + " to " + tokens[column] + ": " + share.toFixed(2));
    });
    tokens.forEach(function (token, k) {
      var size = Math.min(9, cell);
      body += label(57, (k + 0.5) * cell + size / 3, size, token.slice(0, 11), "end");
      body += label(60 + (k + 0.5) * cell + size / 3, 200, size, token.slice(0, 11), "end", true);
    });
    return svg(260, 252, "Attention from tokens (rows) to tokens (columns)", body) + "<p>dark: 0, yellow: " + top.toFixed(2) + ", in all cards</p>";
  }
  function at(group, step) {
    var before = data.portraits[group].filter(function (one) { return one.step <= step; });
    return before.length ? before[before.length - 1] : null;
  }
  function draw() {
    var step = data.steps[+age.value], place = +layer.value, stages = [];
    /* One scale for all cards, so that twins can be compared. */
    var seen = data.groups.map(function (group) { return at(group, step); }).filter(Boolean);
    var high = Math.max.apply(null, [0.001].concat(seen.map(function (one) {
      return Math.max.apply(null, Object.values(shares(one)).map(function (layers) { return Math.max.apply(null, (layers[place] || [0]).slice(1, -1)); }));
    })));
    var bright = Math.max.apply(null, [0.01].concat(seen.map(function (one) { return Math.max.apply(null, map_of(one, place) || [0]); })));
    cards.innerHTML = data.groups.map(function (group) {
      var portrait = at(group, step);
      if (!portrait) return '<div class="card" data-group="' + text(group) + '"><h3>' + text(group) + "</h3><p>no portrait yet</p></div>";
      stages.push(portrait.age);
      return '<div class="card" data-group="' + text(group) + '"><h3>' + text(group) + "</h3><p>age " + portrait.age.toLocaleString("en") + ", after: " + text(portrait.stage) + "</p>" +
        "<h4>Living weights, layer " + place + "</h4>" + histograms(portrait, place, high) +
        "<h4>Dead share of heads (yellow: none, dark: all)</h4>" + heads(portrait) +
        "<h4>Dead share of neurons, layer " + place + "</h4>" + neurons(portrait, place) +
        "<h4>Attention, layer " + place + "</h4>" + attention(portrait, place, bright) + "</div>";
    }).join("");
    var words = "step " + step + " of life, age " + (stages.length ? Math.max.apply(null, stages).toLocaleString("en") : "-");
    now.textContent = words;
    age.setAttribute("aria-valuetext", words);
    document.dispatchEvent(new CustomEvent("explorer-drawn"));
  }
  [age, task, layer, head].forEach(function (control) { control.addEventListener("input", draw); });
  draw();
})();
