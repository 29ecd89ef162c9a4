"""Reading pictures: datasets, their decoding and preprocessing, clips, modifications, and the known public sets."""
