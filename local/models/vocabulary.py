"""
Write `local/vision/recognition/vocabulary.tsv`: the words that ImageNet's classes come to. A development tool.

    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wordnet
    pip download --no-deps timm && unzip timm-*.whl -d timm
    python -m local.models.vocabulary wordnet/usr/share/wordnet/data.noun timm/timm/data/_info/imagenet_synsets.txt

The first file is WordNet 3.0's; the second lists the classes in their order, as sorted synsets. WordNet tells each
class's noun and the kinds above it; `KINDS` says which of those are words that people use, and `CLASSES` where
WordNet's noun is not the one that people say. The network's picture of a class counts, not the dictionary's.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "vision" / "recognition" / "vocabulary.tsv"
HEADER = "class\tsynset\twordnet\tnoun\tsaid\tkinds\n"

# A kind below a wider one. `= lemma` is its synset in WordNet, of several the one with most classes; without it only
# CLASSES put classes there. `!`: classes below are not said by their own nouns, which are finer than the network sees,
# unless CLASSES names them.
KINDS = """
animal = animal
  mammal = mammal
    cat = domestic_cat !
    wild cat = big_cat
    dog = dog !
    wolf = wolf !
    fox = fox !
    bear = bear
    horse = equine
    sheep = sheep !
    goat = wild_goat !
    cow !
    pig = swine !
    antelope = antelope !
    rabbit = leporid !
    rodent = rodent
      squirrel = squirrel !
    elephant = elephant !
    whale = whale !
    primate = primate
      monkey = monkey !
      ape = ape
      lemur = lemur !
  bird = bird !
    chicken
    duck = duck !
    heron = heron !
    stork = stork !
    parrot = parrot !
    bird of prey = bird_of_prey !
  reptile = reptile !
    turtle = turtle !
    lizard = lizard !
    crocodile = crocodilian_reptile !
    snake = snake !
    dinosaur = dinosaur !
  amphibian = amphibian !
    frog = frog !
    salamander = salamander !
  fish = fish !
    shark = shark !
  insect = insect !
    butterfly = butterfly !
    beetle = beetle !
    dragonfly = odonate !
  spider = spider !
  crab = crab !
  lobster
food = nutriment
  fruit = edible_fruit !
  vegetable = vegetable
    squash = squash !
  bread = bread
  dessert = dessert
  soup = soup !
  sandwich = sandwich
  pasta
drink = beverage
  coffee = coffee
  wine = wine
plant
  flower = flower !
  corn
mushroom = fungus !
vehicle = craft
  car = motorcar
  truck = truck
  bus = public_transport
  van = van !
  train
  motorcycle = motorcycle !
  bicycle = bicycle !
  sled = sled !
  cart
  aircraft = aircraft
    airplane = heavier-than-air_craft !
  boat = watercraft
    ship = ship
    sailboat = sailing_vessel !
rocket
building = building
shop = mercantile_establishment
monument = memorial
bridge = bridge !
fence = fence !
roof = roof !
furniture = furniture
  seat
    chair = chair
  bed
  table = table
  cabinet = cabinet
  lamp = lamp !
clothing = clothing
  hat = headdress
  helmet
  shoe = footwear
  coat = coat
  dress
  swimsuit = swimsuit !
  tie = necktie
  shirt
  sweater = sweater !
  scarf = scarf !
mask
musical instrument = musical_instrument
  guitar = guitar
  piano = piano !
sports ball = ball
sports equipment = sports_equipment
bag = bag
bottle = bottle !
cup
glass = drinking_glass !
bowl
knife
pot = pot
pan = pan !
basket = basket !
appliance = home_appliance
computer = computer
  laptop
keyboard
screen
phone = telephone
camera = camera
clock = timepiece
weapon = weapon
  gun = firearm
tool = hand_tool
pen = writing_implement
book
curtain
nature
  mountain
  coast
"""

# NUMBER NOUN [< KIND]: what people say, and the nearest kind where it is not WordNet's (`< nothing`: none).
# `-` before the noun: not said, it counts for its kinds only. Those without a kind are often wrong: the network takes
# pictures of what it does not know for them.
CLASSES = """
1 goldfish
5 - electric ray
6 stingray
7 rooster < chicken
8 hen < chicken
9 ostrich
15 robin
17 - jay
18 magpie
21 - kite < bird of prey
22 eagle < bird of prey
23 vulture < bird of prey
24 owl < bird of prey
39 iguana
46 - green lizard
47 - chameleon
48 - Komodo dragon
51 - triceratops
69 - trilobite
70 - harvestman < animal
71 scorpion
78 - tick
79 centipede
84 peacock
89 cockatoo < parrot
93 hornbill
94 hummingbird
96 toucan
99 goose
100 swan
101 - tusker < elephant
102 - echidna
103 platypus
104 kangaroo < mammal
107 jellyfish
108 sea anemone
109 coral < animal
110 - flatworm
111 - nematode < nothing
112 - conch
115 sea slug
116 - chiton
117 - nautilus
122 lobster
123 lobster
124 crayfish
126 - isopod
130 flamingo
134 - crane
144 pelican
145 penguin
148 whale
149 - dugong
150 sea lion < mammal
271 - red wolf
272 coyote
273 - dingo < dog
274 - dhole < mammal
275 - African hunting dog < mammal
276 hyena
286 cougar < wild cat
287 lynx < wild cat
290 - jaguar
294 - brown bear
295 - black bear
296 polar bear
297 - sloth bear
298 - mongoose
301 ladybug
304 - leaf beetle
308 fly
309 bee
310 ant
311 grasshopper
315 mantis
327 starfish
329 - sea cucumber
336 - marmot
339 horse
340 zebra < mammal
341 pig
342 wild boar
345 cow
346 - water buffalo < cow
347 bison < mammal
348 sheep
349 - bighorn < sheep
350 - ibex
354 camel < mammal
356 - weasel
357 - mink
358 - polecat
359 ferret
364 sloth
365 - orangutan
366 - gorilla
367 - chimpanzee
368 - gibbon
369 - siamang
372 - baboon
387 red panda < mammal
388 panda < mammal
393 clownfish
396 lionfish
397 pufferfish
399 - abaya
400 - academic gown < clothing
403 aircraft carrier
404 airplane
405 airship
408 - amphibious vehicle < vehicle
409 clock
410 - apiary < nothing
412 trash can
413 - assault rifle
414 backpack
415 bakery
417 balloon
418 pen
419 - Band Aid
422 barbell
426 - barometer
428 wheelbarrow < nothing
429 baseball
431 crib < bed
433 - bathing cap < clothing
434 towel
436 - station wagon
437 lighthouse < building
438 - beaker < nothing
439 - bearskin
442 - bell cote < building
443 - bib
444 - tandem bicycle
445 - bikini
446 - binder
449 - boathouse
451 - bolo tie
452 - bonnet
453 bookcase < furniture
454 bookshop
455 - bottle cap
456 - bow < nothing
457 bow tie
458 - memorial tablet < monument
459 - bra
460 - breakwater < coast
461 - breastplate < nothing
464 - buckle
465 - bulletproof vest < nothing
466 train
467 - butcher shop
468 taxi
470 candle < nothing
471 cannon
474 - cardigan
475 - car mirror
476 carousel
477 - tool kit
478 - carton
479 wheel
480 - cash machine
481 - cassette
482 - cassette player
483 castle < building
484 - catamaran < sailboat
485 - CD player
487 cell phone
488 - chain
489 - chain-link fence
490 - chain mail < nothing
492 - chest
493 - chest of drawers
494 - chime
495 - china cabinet
496 Christmas stocking < nothing
497 church < building
499 - cleaver < knife
500 - cliff dwelling < nothing
501 - cloak
502 - clog
504 mug < cup
506 - coil
507 - combination lock
508 keyboard
509 - confectionery
510 container ship
513 trumpet
515 cowboy hat
516 - cradle < bed
517 crane < nothing
518 helmet
520 crib < bed
521 - slow cooker
522 - croquet ball
523 - crutch
524 - cuirass < nothing
525 dam
527 desktop computer
528 - dial telephone
529 - diaper < nothing
530 - digital clock
531 watch
532 dining table < table
533 - dishcloth
535 - disk brake
536 - dock
539 - doormat
540 - drilling platform
541 drum
542 - drumstick
544 - Dutch oven
545 fan
547 train
548 - entertainment center < screen
549 - envelope
551 - face powder
552 - feather boa
553 - file cabinet
554 - fireboat
555 fire truck
556 - fire screen
557 - flagpole
559 - folding chair
560 helmet
561 forklift < vehicle
562 fountain
564 bed
565 - freight car < train
567 frying pan
568 - fur coat
570 - gas mask
571 gas pump
572 - goblet < glass
573 go-kart < vehicle
575 golf cart < vehicle
577 - gong
578 - gown < dress
579 piano
580 greenhouse
581 - grille < car
582 grocery store
583 - guillotine
584 - hair slide
585 - hair spray
586 - half-track < vehicle
588 - hamper
589 hair drier
590 - handheld computer
591 - handkerchief
592 - hard disk
595 - harvester < vehicle
597 - holster
598 - home theater < screen
599 - honeycomb
600 - hook
601 - hoopskirt < dress
602 - horizontal bar
603 - horse cart < cart
604 hourglass
605 - iPod
606 iron
607 jack-o'-lantern < nothing
608 jeans
609 jeep
610 - T-shirt < shirt
611 jigsaw puzzle
612 rickshaw < cart
613 - joystick
615 - knee pad < nothing
616 - knot
617 - lab coat
618 - ladle < nothing
619 - lampshade < lamp
620 laptop
622 - lens cap
623 - letter opener
624 library < nothing
626 - lighter
628 ship
630 - loafer
631 - lotion
632 loudspeaker
633 - magnifying glass
634 - sawmill
635 compass
636 - mailbag
637 mailbox
638 - maillot
639 - tank suit
640 - manhole cover
642 xylophone
643 mask
644 - matchstick
645 - maypole
648 - medicine chest < cabinet
649 - megalith < monument
651 microwave
652 - military uniform
653 - milk can
654 - minibus < bus
655 - miniskirt
656 - minivan < van
657 - missile < rocket
658 - mitten
659 - mixing bowl < bowl
660 - mobile home < nothing
661 - vintage car
662 - modem
663 - monastery
664 monitor < screen
665 - moped < motorcycle
666 mortar < nothing
667 - mortarboard
669 - mosquito net
670 - motor scooter < motorcycle
671 - mountain bike
672 tent
673 mouse
674 - mousetrap
675 - moving van < truck
676 - muzzle
677 - nail
678 - neck brace
680 - nipple
681 laptop
682 - obelisk < monument
685 - odometer
686 - oil filter
687 organ
688 - oscilloscope
689 - overskirt < dress
690 - oxcart < cart
691 - oxygen mask < mask
692 - packet
694 - paddle wheel
697 pajamas
698 palace
699 - panpipe
700 - paper towel
703 bench
704 parking meter < nothing
705 train
706 - patio
707 phone
708 - pedestal < monument
709 pencil case < nothing
711 - perfume
712 - Petri dish
714 - pick
715 - pickelhaube < helmet
716 - picket fence
717 pickup truck
719 piggy bank
720 - pill bottle
722 - ping-pong ball
723 - pinwheel
724 - pirate ship < ship
725 - pitcher
726 - plane
727 - planetarium
728 - plastic bag
729 - plate rack
731 - plunger
732 camera
733 - pole
734 - police van < van
735 - poncho
737 - pop bottle
738 potted plant < plant
739 - potter's wheel
741 - prayer rug
742 printer
743 - prison < nothing
744 - projectile < rocket
745 projector
746 - puck
747 - punching bag < nothing
748 handbag
749 - quill
750 - quilt
751 race car
752 tennis racket
753 - radiator
754 - radio
755 - radio telescope
756 - rain barrel
757 camper < vehicle
758 - reel
759 camera
760 refrigerator
761 remote
762 restaurant < nothing
765 rocking chair
766 - rotisserie
767 - eraser
768 - rugby ball
769 - ruler
770 running shoe
772 - safety pin
773 - salt shaker
775 - sarong
776 saxophone
777 - scabbard
778 scale
782 - screen < screen
783 - screw
785 - seat belt < nothing
787 - shield
788 - shoe shop
789 - shoji
790 shopping basket
791 shopping cart < nothing
793 - shower cap
794 - shower curtain < curtain
795 skis
796 - ski mask < mask
797 sleeping bag < nothing
798 - slide rule < nothing
799 - sliding door
800 slot machine
801 - snorkel
802 snowmobile < vehicle
803 - snowplow < truck
804 - soap dispenser
806 sock < clothing
807 solar panel
809 - soup bowl < bowl
810 - space bar < keyboard
811 - space heater
812 - space shuttle < rocket
813 - spatula
815 spider web
816 - spindle
817 sports car
818 - spotlight < nothing
819 - stage
820 train
821 - steel arch bridge
822 - steel drum
824 - stole
825 - stone wall < nothing
826 stopwatch
827 oven
828 - strainer
829 tram < vehicle
830 - stretcher
831 couch
832 - stupa
834 suit
835 sundial
836 sunglasses
837 sunglasses
838 - sunscreen
839 - suspension bridge
840 - mop
841 - sweatshirt
842 - swimming trunks
844 - switch
845 - syringe
846 lamp
847 tank < vehicle
848 - tape player
850 teddy bear
851 tv < screen
852 tennis ball
853 - thatched roof
854 - theater curtain < curtain
856 - thresher < vehicle
857 - throne < chair
858 - tile roof
860 - tobacco shop
861 toilet < nothing
862 - torch
863 totem pole < monument
864 - tow truck
865 toy shop
866 tractor < vehicle
867 truck
868 tray
870 tricycle < vehicle
871 - trimaran < sailboat
872 tripod
874 - trolleybus < bus
876 - tub
878 keyboard
880 unicycle < vehicle
881 piano
882 vacuum cleaner
883 vase < nothing
884 - vault
885 - velvet
887 - vestment < clothing
888 - viaduct
889 violin
486 cello
890 volleyball
892 clock
893 wallet
894 - wardrobe
895 airplane
896 sink
897 washing machine
898 - water bottle
899 - water jug
901 - whiskey jug
902 - whistle
903 - wig < nothing
904 - window screen
905 - window shade < curtain
906 tie
907 - wine bottle
908 - wing < airplane
910 spoon
911 - wool
912 - worm fence
913 - wreck < boat
914 - yawl < sailboat
915 - yurt
916 - website < nothing
917 comic book < book
918 crossword puzzle
919 sign
920 traffic light
921 - book jacket < book
922 - menu
923 - plate < food
924 guacamole
925 - consomme
926 - hot pot < soup
927 - trifle
928 ice cream
929 - ice lolly
930 - French loaf
933 hamburger
934 hot dog < food
936 cabbage
939 zucchini
946 - cardoon
947 mushroom
948 apple
949 strawberry
950 orange
951 lemon
952 fig
953 pineapple
954 banana
955 - jackfruit
956 - custard apple
957 pomegranate
958 hay
959 - carbonara < pasta
960 - chocolate sauce < food
961 - dough < food
963 pizza
964 - potpie < food
965 burrito
966 red wine
968 cup
969 - eggnog
970 mountain
971 - bubble
972 cliff < nature
973 coral reef < nothing
974 geyser < nature
975 lake < nature
976 - promontory < coast
977 - sandbar < coast
978 beach < coast
979 valley < nature
980 volcano < mountain
981 - ballplayer < nothing
982 - groom < nothing
983 - scuba diver < nothing
984 - rapeseed < plant
985 daisy
986 - lady's slipper
987 corn
988 acorn < nothing
989 - rose hip < plant
990 - buckeye < plant
998 - ear of corn < corn
999 toilet paper
"""


class WordNet:
    """The nouns of WordNet's file `data.noun`, by their offset in it."""

    def __init__(self, file: Path) -> None:
        self.lemmas: dict[str, list[str]] = {}
        self._above: dict[str, list[str]] = {}
        for line in file.read_text(encoding="latin-1").splitlines():
            if not line.startswith(" "):  # else its licence
                self._read(line.partition("|")[0].split())

    def _read(self, fields: list[str]) -> None:
        # offset, file, type, count of words in hexadecimal, words with a number each, count of pointers, pointers of 4.
        count = int(fields[3], 16)
        self.lemmas[fields[0]] = fields[4 : 4 + 2 * count : 2]
        pointers = fields[5 + 2 * count :]
        self._above[fields[0]] = [pointers[at + 1] for at in range(0, len(pointers), 4) if pointers[at][0] == "@"]

    def above(self, offset: str) -> list[str]:
        """All that it is a kind of, nearest first."""
        found = [offset]
        for each in found:
            found += [wider for wider in self._above[each] if wider not in found]
        return found[1:]


def read_kinds(offsets: list[str], wordnet: WordNet) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """The wider word of each ("" at the top), the word for each synset that is one, and which are not told apart."""
    wider: dict[str, str] = {}
    by_synset: dict[str, str] = {}
    fine: set[str] = set()
    path: list[str] = []
    below = [offset for each in offsets for offset in wordnet.above(each)]
    for line in KINDS.strip("\n").splitlines():
        word, _, lemma = (part.strip() for part in line.rstrip(" !").partition("="))
        depth = (len(line) - len(line.lstrip())) // 2
        path[depth:] = [word]
        wider[word] = path[depth - 1] if depth else ""
        if line.endswith("!"):
            fine.add(word)
        if lemma:
            named = [offset for offset in dict.fromkeys(below) if lemma in wordnet.lemmas[offset]]
            if not named:
                raise SystemExit(f"KINDS: no class is below {lemma}")
            by_synset[max(named, key=below.count)] = word
    return wider, by_synset, fine


def read_classes() -> dict[int, tuple[bool, str, str]]:
    """By number: whether it is said, its noun, and its kind, "" for that of WordNet."""
    found = {}
    for line in CLASSES.strip().splitlines():
        number, unsaid, noun, kind = re.fullmatch(r"(\d+) (- )?(.+?)(?: < (.+))?", line).groups()  # type: ignore[union-attr]
        found[int(number)] = (not unsaid, noun, kind or "")
    return found


def chain(kind: str, wider: Mapping[str, str]) -> Iterator[str]:
    """The kind and those above it, nearest first."""
    while kind:
        yield kind
        kind = wider[kind]


def rows(offsets: list[str], wordnet: WordNet) -> Iterator[str]:
    """The table's lines."""
    wider, by_synset, fine = read_kinds(offsets, wordnet)
    corrected = read_classes()
    for number, offset in enumerate(offsets):
        lemma = wordnet.lemmas[offset][0].replace("_", " ")
        candidates = [by_synset[above] for above in wordnet.above(offset) if above in by_synset]
        kind = max(candidates, key=lambda word: len(list(chain(word, wider))), default="")
        is_said, noun, own_kind = corrected.get(number, (kind not in fine, lemma, ""))
        kind = {"": kind, "nothing": ""}.get(own_kind, own_kind)
        if is_said and noun in wider:
            # The noun is itself a kind of others.
            kind = wider[noun]
        kinds = ", ".join(chain(kind, wider))
        yield f"{number}\tn{offset}\t{lemma}\t{noun}\t{'yes' if is_said else 'no'}\t{kinds}\n"


def main() -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(prog="python -m local.models.vocabulary")
    parser.add_argument("nouns", type=Path, help="data.noun of WordNet 3.0")
    parser.add_argument("classes", type=Path, help="the synsets of the classes, n01440764 and so on, in order")
    arguments = parser.parse_args()
    wordnet = WordNet(arguments.nouns)
    offsets = arguments.classes.read_text(encoding="ascii").replace("n", "").split()
    TABLE.write_text(HEADER + "".join(rows(offsets, wordnet)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
